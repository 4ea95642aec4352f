"""On Starlette, with a middleware of the kind that most apps have: it lets half an answer end as if it were whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import anyio
from asgi_guards import BreakOff, CancelOnHangUp
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ac_sms_async import SMSClient

done: list[str] = []


class ClosingResponse(StreamingResponse):
    """Closes its generator, however the answer ends, and not when the garbage collector comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(cast("AsyncGenerator[bytes]", self.body_iterator)):
            await super().__call__(scope, receive, send)


async def pass_through(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[dict[str, SMSClient]]:
    async with SMSClient.from_env(deadline=20, rate_limit=None, max_concurrency=1) as sms:
        yield {"sms": sms}


async def credits(request: Request) -> Response:
    sms: SMSClient = request.state.sms
    return JSONResponse({"available": (await sms.credits.get()).available})


async def export(request: Request) -> Response:
    sms: SMSClient = request.state.sms

    async def chunks() -> AsyncGenerator[bytes]:
        async with sms.exports.recipients(int(request.query_params["id"])) as export:
            async for chunk in export.bytes():
                yield chunk

    return ClosingResponse(chunks(), media_type="text/csv")


async def upload(request: Request) -> Response:
    """Asks upstream before it reads what was uploaded."""
    response = await credits(request)
    await request.body()
    return response


async def later(request: Request) -> Response:
    """Answers, and works on."""
    sms: SMSClient = request.state.sms

    async def work() -> None:
        # By then the server has said that the browser is gone.
        await anyio.sleep(0.2)
        await sms.credits.get()
        done.append("work")

    return Response(background=BackgroundTask(work))


async def what_is_done(request: Request) -> Response:
    return JSONResponse({"done": done})


app = Starlette(
    routes=[
        Route("/credits", credits),
        Route("/export", export),
        Route("/upload", upload, methods=["POST"]),
        Route("/later", later),
        Route("/done", what_is_done),
    ],
    lifespan=lifespan,
)
app.add_middleware(BaseHTTPMiddleware, dispatch=pass_through)
unguarded = app
guarded = BreakOff(CancelOnHangUp(app))
