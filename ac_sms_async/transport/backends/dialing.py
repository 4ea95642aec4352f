"""A TCP connection to the first of a name's addresses that answers (RFC 8305, "happy eyeballs"), on asyncio.

asyncio's own race for it can lose a socket when it is cancelled just as that has connected.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

__all__ = ["dial"]

Info: TypeAlias = "tuple[int, int, int, str, Any]"

HEAD_START = 0.25
"""Seconds that an address has to itself before the next one is tried beside it."""


async def dial(host: str, port: int) -> socket.socket:
    """A connected socket, without delays of small packets. Raises `OSError`, that of the first address."""
    loop = asyncio.get_running_loop()
    left = _by_turns(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    winner: socket.socket | None = None
    try:
        while True:
            info = next(left, None)
            if info is not None:
                running.add(loop.create_task(_connect(info)))
            elif not running:
                raise errors[0]
            done, running = await asyncio.wait(
                running, timeout=None if info is None else HEAD_START, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if error is not None:
                    errors.append(error)
                elif winner is None:
                    winner = task.result()
                else:
                    task.result().close()
            if winner is not None:
                return winner
    finally:
        for task in running:
            # Where it has just ended, nobody else would close what it has connected.
            if not task.cancel() and task.exception() is None:
                task.result().close()


async def _connect(info: Info) -> socket.socket:
    family, kind, protocol, _, address = info
    connecting = socket.socket(family, kind, protocol)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, address)
    except BaseException:
        connecting.close()
        raise
    return connecting


def _by_turns(infos: Iterable[Info]) -> Iterator[Info]:
    """One of IPv6, one of IPv4, and so on, beginning with the family that the system puts first."""
    families: dict[int, list[Info]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    for turn in itertools.zip_longest(*families.values()):
        yield from (info for info in turn if info is not None)
