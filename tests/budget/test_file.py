"""The file that processes share: they exclude each other, and whatever befalls it, calls go on."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.budget.limits import Held
from ac_sms_async.budget.page import pack, unpack

if sys.platform != "linux":
    pytest.skip("what processes share is shared on Linux", allow_module_level=True)

import fcntl

from ac_sms_async.budget.file import FOLDER_VARIABLE, STUCK, Busy, LedgerFile, clock

DEEP = bool(os.environ.get("AC_SMS_DEEP"))
OTHER_BOOT = bytes(16)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "budget"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def enter(number: int) -> Callable[[Ledger, float], list[int]]:
    """Enters a start, and returns the numbers of all that are there."""

    def change(ledger: Ledger, now: float) -> list[int]:
        ledger.starts.append((now, number))
        return [number for _, number in ledger.starts]

    return change


def numbers(file: LedgerFile) -> list[int]:
    return file.turn(lambda ledger, _: [number for _, number in ledger.starts], places=5)


def test_all_who_name_the_account_share_it() -> None:
    one, two, other = LedgerFile("acme"), LedgerFile("acme"), LedgerFile("other")
    assert one.turn(enter(1), places=5) == [1]
    assert two.turn(enter(2), places=5) == [1, 2]
    assert one.turn(enter(3), places=5) == [1, 2, 3]
    assert numbers(other) == []
    assert one.path.stat().st_mode & 0o777 == 0o600
    assert one.path.parent.stat().st_mode & 0o777 == 0o700
    # Nothing in its name tells whose it is.
    assert "acme" not in str(one.path)


def test_by_default_it_lies_where_only_this_user_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert LedgerFile("acme").path.parent == Path(f"/dev/shm/ac-sms-{os.geteuid()}")


def test_a_change_that_raises_changes_nothing() -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)

    def refuse(ledger: Ledger, now: float) -> None:
        enter(2)(ledger, now)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        file.turn(refuse, places=5)
    assert numbers(file) == [1]
    assert file.is_shared


def test_somebody_else_has_its_turn() -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    with file.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for _ in range(3):
            with pytest.raises(Busy):
                file.turn(enter(2), places=5)
    assert numbers(file) == [1]


def test_who_is_stopped_in_its_turn_loses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock()
    monkeypatch.setattr("ac_sms_async.budget.file.clock", lambda: now)
    stopped, other = LedgerFile("acme"), LedgerFile("acme")
    held = Held(5, 1.05, 0, now + 60)

    def tell(ledger: Ledger, _: float) -> None:
        ledger.paused_until = 7.0
        ledger.limits.append(held)

    other.turn(tell, places=5)

    def stop(ledger: Ledger, _: float) -> None:
        nonlocal now
        began = now
        enter(1)(ledger, now)
        # It is busy, until it has been for long. Then the others go on as if all places had just been used.
        tries = 0
        while tries < 100:
            try:
                assert other.turn(enter(3), places=5) == [0, 0, 0, 0, 0, 3]
                break
            except Busy:
                tries, now = tries + 1, now + 0.01
        assert 25 <= tries <= 28
        now = began

    with pytest.raises(Busy):
        stopped.turn(stop, places=5)
    assert numbers(other) == numbers(stopped) == [0, 0, 0, 0, 0, 3]
    assert stopped.known.paused_until == 7.0
    assert stopped.known.limits == [held]
    assert list(stopped.path.parent.iterdir()) == [stopped.path]


def test_who_was_stopped_for_a_moment_decides_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    file = LedgerFile("acme")
    moments = iter([1.0, 1.0 + STUCK, 9.0, 9.0])
    monkeypatch.setattr("ac_sms_async.budget.file.clock", lambda: next(moments))
    with pytest.raises(Busy):
        file.turn(enter(1), places=5)
    assert file.turn(enter(2), places=5) == [2]


def test_that_two_are_busy_now_and_then_is_no_reason_to_think_one_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    now = 100.0
    monkeypatch.setattr("ac_sms_async.budget.file.clock", lambda: now)
    with file.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for _ in range(5):
            now += 1
            with pytest.raises(Busy):
                file.turn(enter(2), places=5)
    assert numbers(file) == [1]


@pytest.mark.parametrize("gone", ["file", "folder"])
def test_when_it_is_removed_what_is_known_goes_on(gone: str) -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    file.path.unlink()
    if gone == "folder":
        file.path.parent.rmdir()
    assert file.turn(enter(2), places=5) == [1, 2]
    assert numbers(LedgerFile("acme")) == [1, 2]


def test_who_holds_a_file_that_was_removed_decides_anew() -> None:
    file, other = LedgerFile("acme"), LedgerFile("acme")

    def change(ledger: Ledger, now: float) -> None:
        enter(1)(ledger, now)
        file.path.unlink()
        assert other.turn(enter(2), places=5) == [2]

    with pytest.raises(Busy):
        file.turn(change, places=5)
    assert numbers(file) == [2]


def test_it_is_opened_just_as_another_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    real = os.open

    def open_and_lose(path: Path, *how: int) -> int:
        descriptor = real(path, *how)
        path.unlink()
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_and_lose)
        with pytest.raises(Busy):
            file.turn(enter(2), places=5)
    assert file.turn(enter(3), places=5) == [1, 3]


def test_half_a_file_counts_as_full() -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    file.path.write_bytes(file.path.read_bytes()[:-1])
    assert numbers(file) == [0] * 5


def test_after_a_restart_of_the_machine_it_begins_empty() -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    file.path.write_bytes(pack(Ledger([(9.0, 9)]), OTHER_BOOT))
    os.utime(file.path, (time.time() - 60, time.time() - 60))
    assert file.turn(enter(2), places=5) == [2]
    assert file.is_shared


def test_a_folder_of_several_users(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o2770)
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    assert file.path.stat().st_mode & 0o777 == 0o660


def _another_machine(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(pack(Ledger(), OTHER_BOOT))


def _symlink(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    (path.parent / "precious").write_text("kept")
    path.symlink_to(path.parent / "precious")


def _pipe(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path)


def _folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)


def _file_for_a_folder(path: Path) -> None:
    path.parent.write_text("")


@pytest.mark.parametrize("trouble", [_another_machine, _symlink, _pipe, _folder_in_its_place, _file_for_a_folder])
def test_trouble_is_told_once_and_costs_no_call(
    trouble: Callable[[Path], None], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = LedgerFile("acme")
    trouble(file.path)
    with caplog.at_level(logging.WARNING, "ac_sms_async"):
        assert file.turn(enter(1), places=5) == [1]
        # In memory it goes on as before.
        assert file.turn(enter(2), places=5) == [1, 2]
    assert not file.is_shared
    assert [record.message.startswith("the budget of acme is not shared") for record in caplog.records] == [True]
    if trouble is _symlink:
        assert (folder / "precious").read_text() == "kept"


def test_a_folder_that_others_may_write_to_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = LedgerFile("acme")
    file.path.parent.mkdir()
    file.path.parent.chmod(0o777)
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert file.turn(enter(1), places=5) == [1]
    assert not file.is_shared
    assert "is not this user's alone" in caplog.text


def test_a_full_disk_loses_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert file.turn(enter(2), places=5) == [1, 2]
    assert file.turn(enter(3), places=5) == [1, 2, 3]
    assert not file.is_shared
    assert len(caplog.records) == 1


KILLED = """
import os, sys
from ac_sms_async.budget.file import Busy, LedgerFile
file = LedgerFile("acme")
def change(ledger, now):
    ledger.starts[:] = [*ledger.starts, (now, 1)][-50:]
file.turn(change, places=5)
for _ in range(int(sys.argv[1])):
    # Forked off when the ledger is in use already.
    if not (pid := os.fork()):
        print(os.getpid(), flush=True)
        while True:
            try:
                file.turn(change, places=5)
            except Busy:
                pass
    os.waitpid(pid, 0)
"""


def test_killed_in_the_middle_again_and_again() -> None:
    times = 300 if DEEP else 15
    file = LedgerFile("acme")
    with subprocess.Popen([sys.executable, "-c", KILLED, str(times)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        for line in parent.stdout:
            time.sleep(0.003)
            os.kill(int(line), signal.SIGKILL)
            # The lock has gone with it, and the page is whole.
            for _ in range(1000):
                try:
                    assert 0 not in numbers(file)
                    break
                except Busy:
                    time.sleep(0.001)
            page = file.path.read_bytes()
            assert unpack(page) is not None
    assert parent.returncode == 0
    assert file.is_shared


STOPPED = """
import os, signal
from ac_sms_async.budget.file import LedgerFile
def change(ledger, now):
    print("in its turn", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
LedgerFile("acme").turn(change, places=5)
"""


def test_stopped_with_the_lock_in_its_hands() -> None:
    file = LedgerFile("acme")
    file.turn(enter(1), places=5)
    with subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "in its turn\n"
            began, found = time.monotonic(), list[int]()
            while not found:
                try:
                    found = numbers(file)
                except Busy:
                    time.sleep(0.001)
            assert found == [0] * 5
            assert STUCK <= time.monotonic() - began < STUCK + 5
        finally:
            process.kill()
