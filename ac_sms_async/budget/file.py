"""The ledger in a file, which all processes of a machine share that see it. (Linux)

A turn takes some 0.1 ms: the file is opened, locked, read, written in one piece and closed. Nobody waits for the lock
within the kernel, so no event loop stands still for another process, and nothing is left to mend after a fork or where
somebody is killed. Whoever is stopped within its turn loses it: the others go on with a new file.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import stat
import time
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.budget.page import PAGE, boot_of, pack, unpack

__all__ = ["FOLDER_VARIABLE", "Busy", "LedgerFile", "clock"]

T = TypeVar("T")

FOLDER_VARIABLE = "AC_SMS_BUDGET_DIR"

STUCK = 0.25
"""Seconds after which whoever holds the lock counts as stopped."""

RECENT = 10.0
"""What another boot wrote within so many seconds, another machine wrote."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_logger = logging.getLogger("ac_sms_async")


class Busy(Exception):
    """Somebody else has the ledger, which takes a moment."""


def clock() -> float:
    """Seconds since the machine was started: the same in all its processes, and nobody sets it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LedgerFile:
    """One account's ledger, which `turn` lets a function change, alone.

    Where the file gives trouble, that is logged once, and the ledger is kept in memory from then on.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        # Of the user's id alone: what else there may be differs between a shell, cron and a service.
        folder = os.environ.get(FOLDER_VARIABLE) or f"/dev/shm/ac-sms-{os.geteuid()}"  # noqa: S108 - see _prepare
        self.path: Path = Path(folder) / sha256(account.encode()).hexdigest()[:24]
        self.is_shared: bool = True
        self.known: Ledger = Ledger()
        """As this event loop saw it last."""
        self._boot = b""
        self._mode = 0o600
        self._busy_since = self._busy_at = -math.inf

    def turn(self, change: Callable[[Ledger, float], T], *, places: int) -> T:
        """What `change(ledger, now)` returns. Raises `Busy` where somebody else has its turn: try again in 1 ms.

        A file that can't be read counts as full, with so many places.
        """
        if self.is_shared:
            try:
                descriptor = self._open()
            except OSError as error:
                self._fall_open(error)
            else:
                try:
                    return self._shared_turn(descriptor, change, places)
                finally:
                    os.close(descriptor)
        return change(self.known, clock())

    def _shared_turn(self, descriptor: int, change: Callable[[Ledger, float], T], places: int) -> T:
        ledger = self.known
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._is_current(descriptor):
                raise Busy
            ledger = self._read(descriptor, places)
        except BlockingIOError:
            self._see_busy(places)
            raise Busy from None
        except OSError as error:
            self._fall_open(error)
        self._busy_since = self._busy_at = -math.inf
        began = clock()
        result = change(ledger, began)
        try:
            if self.is_shared:
                if clock() - began > STUCK / 2 or not self._is_current(descriptor):
                    # It was stopped meanwhile, and others have gone on without it, or may have.
                    raise Busy
                os.pwrite(descriptor, pack(ledger, self._boot), 0)
        except OSError as error:
            self._fall_open(error)
        self.known = ledger
        return result

    def _fall_open(self, error: OSError) -> None:
        self.is_shared = False
        _logger.warning("the budget of %s is not shared with other processes: %s", self.account, error)

    def _open(self) -> int:
        if not self._boot:
            self._boot = bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().replace("-", ""))
            self._prepare()
        try:
            return os.open(self.path, _FLAGS, self._mode)
        except FileNotFoundError:
            # Somebody has tidied up, folder and all.
            self._prepare()
            return os.open(self.path, _FLAGS, self._mode)

    def _prepare(self) -> None:
        """See that the folder is there, and that nobody else can put anything into it, unless that was arranged."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = folder.stat(follow_symlinks=False)
        is_ours = stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and not there.st_mode & 0o022
        if not is_ours and not os.environ.get(FOLDER_VARIABLE):
            raise PermissionError(f"{folder} is not this user's alone")
        self._mode = 0o660 if there.st_mode & 0o020 else 0o600

    def _is_current(self, descriptor: int) -> bool:
        """Whether it is still the file that others find: it may have been removed, or replaced."""
        try:
            there = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def _read(self, descriptor: int, places: int) -> Ledger:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise PermissionError(f"{self.path} is no file")
        page = os.pread(descriptor, PAGE, 0)
        if not page:
            # A new one. What this loop knows of the last second is still true.
            if stat.S_IMODE(about.st_mode) != self._mode:
                os.fchmod(descriptor, self._mode)
            return deepcopy(self.known)
        boot = boot_of(page)
        if boot is not None and boot != self._boot:
            if time.time() - about.st_mtime < RECENT:
                raise PermissionError(f"another machine writes to {self.path}, too")
            return Ledger()
        return unpack(page) or self._full(places)

    def _full(self, places: int) -> Ledger:
        """A ledger in which all places have just been used; what is known of a pause and of limits goes on."""
        now = clock()
        return Ledger([(now, 0)] * places, paused_until=self.known.paused_until, limits=[*self.known.limits])

    def _see_busy(self, places: int) -> None:
        now = clock()
        if now - self._busy_at > STUCK / 2:
            self._busy_since = now
        self._busy_at = now
        if now - self._busy_since > STUCK:
            self._busy_since = self._busy_at = -math.inf
            fresh = self.path.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(pack(self._full(places), self._boot))
            fresh.chmod(self._mode)
            fresh.replace(self.path)
