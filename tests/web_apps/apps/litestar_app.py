"""On Litestar."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from asgi_guards import CancelOnHangUp
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import Stream

from ac_sms_async import SMSClient


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None]:
    async with SMSClient.from_env(deadline=20, rate_limit=None, max_concurrency=1) as sms:
        app.state.sms = sms
        yield


@get("/credits")
async def credits(state: State) -> dict[str, int | None]:
    sms: SMSClient = state.sms
    return {"available": (await sms.credits.get()).available}


@get("/export")
async def export(state: State, id: int) -> Stream:
    sms: SMSClient = state.sms

    async def chunks() -> AsyncIterator[bytes]:
        async with sms.exports.recipients(id) as export:
            async for chunk in export.bytes():
                yield chunk

    return Stream(chunks(), media_type="text/csv")


app = Litestar([credits, export], lifespan=[lifespan])
guarded = CancelOnHangUp(app)
