"""The sandbox on a real port: uvicorn's protocol in a thread and event loop of its own, up and gone at once."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ac_sms_async.sandbox.wire import TRANSPORT

_LOG = logging.getLogger("ac_sms_async.sandbox")


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also hands the connection to the application, so that faults can break it."""

    def __init__(self, config: Config, server_state: ServerState) -> None:
        super().__init__(config, server_state, {})
        # Errors of ours are worth a line, a log line for every request is not; the journal has them.
        self.logger = _LOG
        self.access_log = False
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = self.transport
            await app(scope, receive, send)

        self.app: Any = with_transport


class Server:
    """
    Serves an ASGI application in a thread, from when it is made until `stop()`.

    A server of one's own, and not `uvicorn.Server`: that one looks ten times a second whether it should stop,
    and waits for connections to end; tests start and stop hundreds of these.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._config = Config(
            app,
            log_config=None,
            lifespan="off",
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            timeout_keep_alive=60,
        )
        self._config.load()
        self._state = ServerState()
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.SelectorEventLoop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="ac-sms-sandbox", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """ "http://127.0.0.1:8080": where it listens, from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not bound here
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        listening = await self._loop.create_server(self._connection, sock=self._socket)
        await self._stopping.wait()
        # What was accepted just now begins within a few turns of the loop; closed before that, asyncio leaves it open.
        self._loop.remove_reader(self._socket)
        for _ in range(5):
            await asyncio.sleep(0)
        listening.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connection(self) -> _Protocol:
        return _Protocol(self._config, self._state)

    def stop(self) -> None:
        """Drop every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Says TCP, because asyncio turns Nagle's delay off only where it is said; it costs 40 ms an answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows it would let two servers share a port.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sys.platform != "win32")
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        # Which, it doesn't say itself; the kind and the number stay.
        raise type(error)(error.errno, f"{error.strerror}: {host}, port {port}") from None
    except OverflowError:
        listening.close()
        raise ValueError(f"port must be from 0 to 65535, not {port}") from None
    return listening
