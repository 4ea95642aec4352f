"""Run by test_elsewhere.py: the package at work where `os`, `signal` and `time` have only what another system's have.

What is missing there is taken away before the package is imported, and after the libraries that it is built on: others
have tried these there, and they adapt as they are imported.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.abc
import os
import pkgutil
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import zoneinfo
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import click
import httpcore
import httptools
import httpx
import rich.progress
import starlette.applications
import uvicorn
import uvloop

LIBRARIES = (
    click,
    httpcore,
    httptools,
    httpx,
    rich.progress,
    shutil,
    sqlite3,
    starlette.applications,
    uvicorn,
    uvloop,
    zoneinfo,
)

# As the standard library's documentation says under "Availability".
UNIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NOT_ON_WINDOWS = {
    os: """chown chroot fchdir fchmod fchown fork forkpty fpathconf fstatvfs getegid geteuid getgid getgroups getpgid
    getpgrp getpriority getsid getuid initgroups killpg lchown lockf mkfifo mknod nice openpty pathconf pipe2
    posix_fadvise posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev readv register_at_fork
    sched_getaffinity sched_setaffinity sched_yield sendfile setegid seteuid setgid setpgid setpriority setsid
    setuid statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid writev ST_RDONLY
    O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_DSYNC O_SYNC POSIX_FADV_DONTNEED""",
    signal: """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause
    pthread_kill pthread_sigmask setitimer sigwait""",
    time: "CLOCK_BOOTTIME CLOCK_MONOTONIC CLOCK_REALTIME clock_gettime clock_settime pthread_getcpuclockid tzset",
}
NOT_ON_MACOS = {
    os: "posix_fadvise posix_fallocate sched_getaffinity sched_setaffinity pipe2 POSIX_FADV_DONTNEED O_DSYNC",
    time: "CLOCK_BOOTTIME",
}


class Missing(importlib.abc.MetaPathFinder):
    """There are no such modules."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname in UNIX_MODULES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def no_signals(*_: object) -> None:
    raise NotImplementedError


def move_to(system: str) -> None:
    """From here on, this is that system, as far as Python code can tell."""
    sys.platform = system  # type: ignore[assignment,unused-ignore]
    for module, names in (NOT_ON_WINDOWS if system == "win32" else NOT_ON_MACOS).items():
        # Another one for whoever imports it from now on: what Python itself has of it, it needs here.
        there = ModuleType(module.__name__)
        missing = set(names.split())
        vars(there).update({name: value for name, value in vars(module).items() if name not in missing})
        sys.modules[module.__name__] = there
    if system == "win32":
        sys.meta_path.insert(0, Missing())
        for name in UNIX_MODULES & set(sys.modules):
            del sys.modules[name]
        asyncio.SelectorEventLoop.add_signal_handler = no_signals  # type: ignore[assignment]


LINUX_ONLY = {
    f"ac_sms_async.budget.{name}"
    for name in ("database", "desk", "file", "link", "machine", "postgres", "redis", "redis_address", "store")
}
OF_OTHERS = ("ac_sms_async.fleet", "ac_sms_async.dlt")
"""On Procrastinate and dlt, which are tried on Unix alone."""


def import_all() -> None:
    """Each module of the package by itself, but those that nothing imports there."""
    import ac_sms_async

    for found in pkgutil.walk_packages(ac_sms_async.__path__, "ac_sms_async."):
        if found.name not in LINUX_ONLY and not found.name.startswith(OF_OTHERS) and "__main__" not in found.name:
            importlib.import_module(found.name)
    assert not LINUX_ONLY & set(sys.modules)


async def use_the_client(url: str, token: str, folder: Path) -> None:
    from ac_sms_async import SMSClient

    for options in ({}, {"backend": "httptools"}, {"budget": "machine"}):
        kept: Any = options
        async with SMSClient(url, token, **kept) as sms:
            broadcasts = await sms.broadcasts.list().to_list()
            batch = await sms.metrics.fetch([broadcast.id for broadcast in broadcasts])
            assert len(batch.metrics) + len(batch.missing) + len(batch.failed) == len(broadcasts)
            target = folder / "recipients.csv"
            for _ in range(2):
                # The second time over the first one's.
                async with sms.exports.recipients(broadcasts[0].id) as export:
                    await export.save(target)
            assert await anyio.Path(target).exists()


def use_the_command(url: str, token: str, folder: Path) -> None:
    from ac_sms_async.cli.main import cli

    secret = folder / "token"
    secret.write_text(token, encoding="utf-8")
    secret.chmod(0o600)
    store = str(folder / "metrics.sqlite")
    account = ["--url", url, "--token-file", str(secret)]
    for command in (
        ["doctor", *account],
        ["collect", *account, "--db", store, "--include", "recipients"],
        ["collect", *account, "--db", store, "--since", "last"],
        ["report", "--db", store, "-o", str(folder / "report.html")],
        ["export", "--db", store, "-o", str(folder / "metrics.csv")],
        ["store", "check", "--db", store],
        ["store", "backup", "--db", store, str(folder / "kept.sqlite")],
    ):
        code = cli.main(command, standalone_mode=False)
        assert not code, (command, code)
    assert {"report.html", "metrics.csv", "kept.sqlite"} <= {file.name for file in folder.iterdir()}


if __name__ == "__main__":
    move_to(sys.argv[1])
    import_all()
    from ac_sms_async.sandbox import Sandbox

    with tempfile.TemporaryDirectory() as place, Sandbox(broadcasts=4, rate_limit=None) as sandbox:
        anyio.run(use_the_client, sandbox.url, sandbox.token, Path(place))
        use_the_command(sandbox.url, sandbox.token, Path(place))
    print("whole")
