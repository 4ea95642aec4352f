"""Proxies that a request for https:// goes through: one that knows CONNECT, and one that knows SOCKS5."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from attrs import frozen

from tests.in_thread import InThread
from tests.transport.relay import pass_on

USER, PASSWORD = "us er", "p@ss"
WRITTEN = "us%20er:p%40ss"
"""The same as they stand in a URL."""


@frozen
class Tunnel:
    """What a proxy was asked for."""

    target: str
    credentials: str
    head: bytes = b""


class Tunnels(InThread):
    """`with Tunnels() as proxies`: `proxies.http`, `proxies.socks` are URLs without credentials' place filled."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Tunnel] = []

    def http(self, credentials: str = WRITTEN) -> str:
        return f"http://{credentials}@127.0.0.1:{self._ports[0]}"

    def socks(self, credentials: str = WRITTEN) -> str:
        return f"socks5://{credentials}@127.0.0.1:{self._ports[1]}"

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for serve in (self._connect, self._socks)]
        self._ports = [server.sockets[0].getsockname()[1] for server in servers]
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError), contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ")[1].decode()
            headers = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
            given = [value for name, _, value in headers if name.lower() == b"proxy-authorization"]
            credentials = base64.b64decode(given[0].removeprefix(b"Basic ")).decode() if given else ""
            self.asked.append(Tunnel(target, credentials, head))
            if credentials != f"{USER}:{PASSWORD}":
                writer.write(b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            host, _, port = target.rpartition(":")
            await _pump(reader, writer, host, int(port))

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError), contextlib.closing(writer):

            async def text() -> str:
                return (await reader.readexactly((await reader.readexactly(1))[0])).decode()

            await reader.readexactly(1)
            await text()
            writer.write(b"\x05\x02")
            await reader.readexactly(1)
            user, password = await text(), await text()
            writer.write(b"\x01\x00")
            kind = (await reader.readexactly(4))[3]
            host = ".".join(map(str, await reader.readexactly(4))) if kind == 1 else await text()
            port = int.from_bytes(await reader.readexactly(2), "big")
            self.asked.append(Tunnel(f"{host}:{port}", f"{user}:{password}"))
            writer.write(b"\x05\x00\x00\x01\0\0\0\0\0\0")
            await _pump(reader, writer, host, port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    there, back = await asyncio.open_connection(host, port)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pass_on(reader, back))
        tasks.create_task(pass_on(there, writer))
