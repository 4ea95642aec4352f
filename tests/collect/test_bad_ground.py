"""A SQLite store on bad ground: links, full disks, files nobody may write, others who hold it, and being stopped."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from ac_sms_async.collect import Statement, Store, StoreBusyError, StoreError, open_store
from ac_sms_async.collect.patience import TO_FINISH
from tests.collect.conftest import any_store

pytestmark = pytest.mark.anyio

AT = "2026-03-01T12:00:00Z"
INSERT = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, ?)"


async def test_a_link_leads_to_the_same_lock(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()
    async with await open_store(folder / "m.sqlite") as one:
        (tmp_path / "link.sqlite").symlink_to(folder / "m.sqlite")
        elsewhere.symlink_to(folder, target_is_directory=True)
        for path in (tmp_path / "link.sqlite", elsewhere / "m.sqlite"):
            async with await open_store(path) as other, one.exclusive("acme"):
                with pytest.raises(StoreBusyError):
                    await other.exclusive("acme").__aenter__()
        assert [path.parent for path in tmp_path.rglob("*-lock-*")] == [folder]


@any_store
async def test_those_who_share_an_account_keep_others_out(target: str) -> None:
    async with await open_store(target) as one, await open_store(target) as two, await open_store(target) as other:
        async with one.exclusive("acme", shared=True), two.exclusive("acme", shared=True):
            with pytest.raises(StoreBusyError):
                await other.exclusive("acme").__aenter__()
        async with other.exclusive("acme"):
            with pytest.raises(StoreBusyError):
                await one.exclusive("acme", shared=True).__aenter__()
        async with one.exclusive("acme"):
            pass


async def test_a_lock_that_fails_says_what_it_is(tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:
        async with store.exclusive("acme"):
            [lock] = [path for path in tmp_path.glob("*-lock-*") if not path.name.endswith("-journal")]
        lock.write_bytes(b"this is no lock" * 100)
        with pytest.raises(StoreError, match=r"cannot use the lock .*not a database") as caught:
            await store.exclusive("acme").__aenter__()
        assert not isinstance(caught.value, StoreBusyError)


@contextmanager
def held(path: Path) -> Generator[None]:
    """Somebody else writes to the file, and doesn't come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_waiting_for_another_can_be_stopped(tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:
        with held(tmp_path / "m.sqlite"):
            began = time.monotonic()
            with anyio.move_on_after(0.1) as scope:
                await store.write(Statement(INSERT, [("a", None, AT)]))
            assert scope.cancelled_caught
            with anyio.move_on_after(0.1) as scope:
                await open_store(tmp_path / "m.sqlite")
            assert scope.cancelled_caught
            assert time.monotonic() - began < 2 * TO_FINISH + 5
        assert await store.read("SELECT * FROM accounts") == []


async def test_a_statement_without_end_can_be_stopped(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
    async with await open_store(tmp_path / "m.sqlite") as store:
        with anyio.move_on_after(0.1) as scope:
            await store.read(endless)
        assert scope.cancelled_caught
        assert await store.read("SELECT 1") == [(1,)]


async def test_a_transaction_is_finished_though_the_caller_is_cancelled(tmp_path: Path) -> None:
    async with await open_store(tmp_path / "m.sqlite") as store:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await store.write(Statement(INSERT, [("a", None, AT)]), durable=True)
        assert await store.read("SELECT account FROM accounts") == [("a",)]
        [(synchronous,)] = await store.read("PRAGMA synchronous")
        assert synchronous == 1


FULL = """
import asyncio, resource, sys
from ac_sms_async.collect import Statement, StoreError, open_store

async def main():
    async with await open_store(sys.argv[1]) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        insert = "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, ?, '2026-03-01T12:00:00Z')"
        kept = 0
        try:
            for number in range(10_000):
                await store.write(Statement(insert, [(f"a{number}", "u" * 5_000)]))
                kept += 1
        except StoreError as error:
            print(error)
        assert await store.read("SELECT COUNT(*) FROM accounts") == [(kept,)], kept
        print(kept)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits there")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_disk_that_is_full(anyio_backend: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "m.sqlite")]
    done = await anyio.run_process(command)
    said, kept = done.stdout.decode().splitlines()
    assert "run the same again" in said
    async with await open_store(tmp_path / "m.sqlite") as store:
        assert await store.read("SELECT COUNT(*) FROM accounts") == [(int(kept),)]


@contextmanager
def read_only_disk(folder: Path) -> Generator[None]:
    """`folder` on a file system of its own, which takes no writes while the block runs."""
    if subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.getuid():
        pytest.skip("only root on Linux may mount")
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def drained(store: Store) -> int:
    async with store.stream("SELECT account FROM accounts") as chunks:
        return sum([len(chunk) async for chunk in chunks])


async def test_reading_where_nothing_can_be_written(disk: Path) -> None:
    path = disk / "m.sqlite"
    async with await open_store(path) as store:
        await store.write(Statement(INSERT, [("a", None, AT)]))
    with read_only_disk(disk):
        async with await open_store(path, read_only=True) as store:
            assert await store.read("SELECT account FROM accounts") == [("a",)]
            assert await drained(store) == 1
        with pytest.raises(StoreError, match=r"takes no writes|Read-only"):
            await open_store(path)


async def test_rows_of_a_killed_collector_are_not_passed_over(disk: Path) -> None:
    """They are committed, but lie in the -wal: `immutable=1` would not see them, and say nothing."""
    path = disk / "m.sqlite"
    async with await open_store(path) as store:
        await store.write(Statement(INSERT, [("a", None, AT)]))
        wal, main = path.with_name("m.sqlite-wal").read_bytes(), path.read_bytes()
    path.write_bytes(main)
    path.with_name("m.sqlite-wal").write_bytes(wal)
    with read_only_disk(disk), pytest.raises(StoreError, match=r"last rows still wait in m.sqlite-wal.*store migrate"):
        await open_store(path, read_only=True)
    async with await open_store(path, read_only=True) as store:
        assert await store.read("SELECT account FROM accounts") == [("a",)]


def test_a_folder_where_only_others_write(tmp_path: Path) -> None:
    """SQLite needs two files beside the store; where they can't be made, that is said, and nothing is guessed."""
    if sys.platform == "win32" or os.getuid():
        pytest.skip("only root can become somebody else")
    code = (
        "import asyncio, os, sys; from ac_sms_async.collect import open_store, StoreError\n"
        "async def main(read_only):\n"
        "    async with await open_store(sys.argv[1], read_only=read_only) as s: print(await s.read('SELECT 1'))\n"
        "asyncio.run(main(False))\nos.chmod(sys.argv[1], 0o644)\nos.setuid(65534)\n"
        "try: asyncio.run(main(True))\nexcept StoreError as error: print(error)\n"
    )
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    try:
        folder.chmod(0o755)
        command = [sys.executable, "-c", code, str(folder / "m.sqlite")]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "be allowed to write in its folder, or read a copy that `ac-sms store backup` made" in said
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
