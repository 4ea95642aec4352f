"""Two plain ASGI middlewares, for asyncio and trio: copy them into your app.

`CancelOnHangUp` ends what is done for a browser that has gone: for FastAPI, Starlette and Litestar (Quart and Django do
that themselves). `BreakOff` lets no answer that failed halfway end as if it were whole: for FastAPI and Starlette.
`fastapi_app.py` shows where they stand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import anyio

Message: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

READ_AHEAD = 1 << 20
"""Bytes of an upload that are held for an app that hasn't read them, to see whether the browser is still there."""


class CancelOnHangUp:
    """Cancels what is done for a request when its browser goes away: the upstream call, its retries, its waiting.

    ASGI servers only tell; without this, an endpoint runs on to the end for nobody. Once the answer is complete,
    nothing is cancelled any more: background tasks belong to the app, and servers say "disconnect" then, too.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        messages: deque[Message] = deque()
        changed = anyio.Condition()
        answered = False
        failure: Exception | None = None

        async def watch() -> None:
            while True:
                message = await receive()
                async with changed:
                    messages.append(message)
                    changed.notify_all()
                    if message["type"] == "http.disconnect":
                        if not answered:
                            work.cancel_scope.cancel()
                        return
                    while sum(len(waiting.get("body", b"")) for waiting in messages) > READ_AHEAD:
                        await changed.wait()

        async def receive_watched() -> Message:
            async with changed:
                while not messages:
                    await changed.wait()
                changed.notify_all()
                # The last word is said as often as it is asked for.
                return messages[0] if messages[0]["type"] == "http.disconnect" else messages.popleft()

        async def send_watched(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered = True
            await send(message)

        async with anyio.create_task_group() as work:
            work.start_soon(watch)
            try:
                await self._app(scope, receive_watched, send_watched)
            except Exception as error:  # noqa: BLE001  # raised below, outside of the group, which would wrap it
                failure = error
            work.cancel_scope.cancel()
        if failure is not None:
            raise failure


class BreakOff:
    """Lets no failed answer of FastAPI or Starlette end well: it has to be the outermost of the middlewares.

    Starlette's `BaseHTTPMiddleware` (`@app.middleware("http")` is one) sends the chunk that ends an answer before the
    error of what it called. To a browser, half a file then looks like a whole one. So the end of a streamed answer is
    held back until the app has returned; if it fails instead, the server breaks the connection off.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        streamed = False
        end: Message | None = None

        async def send_but_the_end(message: Message) -> None:
            nonlocal streamed, end
            if message["type"] == "http.response.start":
                streamed = all(name.lower() != b"content-length" for name, _ in message.get("headers", []))
            elif streamed and not message.get("more_body", False) and not message.get("body"):
                end = message
                return
            await send(message)

        await self._app(scope, receive, send_but_the_end)
        if end is not None:
            await send(end)
