"""A web app around one shared client, on FastAPI.

    pip install 'ac-sms-async' fastapi uvicorn
    export ACTIVECAMPAIGN_URL=... ACTIVECAMPAIGN_API_TOKEN=...
    uvicorn fastapi_app:app

It shows: one client for the app's life, handed to endpoints as a dependency; errors turned into the right answers; an
export passed on to the browser as it comes; the progress of an AI request as server-sent events; and that a browser
which hangs up ends the work that was done for it (`asgi_guards.py`, beside this file).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from asgi_guards import BreakOff, CancelOnHangUp
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from ac_sms_async import (
    APIStatusError,
    ConfigurationError,
    DeadlineExceededError,
    Export,
    NotFoundError,
    RateLimitedError,
    SMSClient,
    SMSError,
)
from ac_sms_async.models import AIBroadcastStatus


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, SMSClient], None]:
    """One client for all requests: it holds the connections and the account's budget. It is closed on shutdown."""
    # A person waits for the answer, so the deadline is short.
    async with SMSClient.from_env(deadline=20) as sms:
        yield {"sms": sms}


app = FastAPI(lifespan=lifespan)
# The one that is added last is the outermost.
app.add_middleware(CancelOnHangUp)
app.add_middleware(BreakOff)


def client(request: Request) -> SMSClient:
    """The app's client, as the lifespan left it."""
    sms: SMSClient = request.state.sms
    return sms


SMS = Annotated[SMSClient, Depends(client)]


@app.exception_handler(SMSError)
async def explain(request: Request, error: Exception) -> Response:
    """Say what happened in this app's own words; what the vendor's server said stays in the logs."""
    if isinstance(error, ConfigurationError):
        return JSONResponse({"detail": error.message}, 422)
    if isinstance(error, NotFoundError):
        return JSONResponse({"detail": "There is no such thing at ActiveCampaign."}, 404)
    if isinstance(error, RateLimitedError):
        wait = str(round(error.retry_after or 30))
        return JSONResponse({"detail": "ActiveCampaign is busy."}, 503, {"Retry-After": wait})
    if isinstance(error, DeadlineExceededError):
        return JSONResponse({"detail": "ActiveCampaign took too long."}, 504)
    status = error.status if isinstance(error, APIStatusError) else None
    return JSONResponse({"detail": "ActiveCampaign failed.", "upstream_status": status}, 502)


@app.get("/credits")
async def credits(sms: SMS) -> dict[str, int | None]:
    found = await sms.credits.get()
    return {"available": found.available, "used": found.used_this_period}


@app.get("/broadcasts")
async def broadcasts(sms: SMS, name: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """The newest broadcasts, with their numbers: two upstream calls, whatever the limit."""
    found = await sms.broadcasts.list(name=name, order="desc", page_size=limit).to_list(max_items=limit)
    batch = await sms.metrics.fetch([broadcast.id for broadcast in found])
    rows: list[dict[str, Any]] = []
    for broadcast in found:
        metrics = batch.metrics.get(broadcast.id)
        rows.append(
            {
                "id": broadcast.id,
                "name": broadcast.name,
                "status": broadcast.status,
                "clicks": None if metrics is None else metrics.clicks,
            }
        )
    return rows


async def recipients_export(broadcast_id: int, sms: SMS) -> AsyncIterator[Export]:
    """An export that is open as long as the answer goes out, and closed however that ends."""
    async with sms.exports.recipients(broadcast_id) as export:
        yield export


@app.get("/broadcasts/{broadcast_id}/recipients.csv")
async def recipients(broadcast_id: int, export: Annotated[Export, Depends(recipients_export)]) -> StreamingResponse:
    """The export as it comes. An error before its first byte is a proper answer; after it, a broken download."""
    return StreamingResponse(
        export.bytes(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="recipients-{broadcast_id}.csv"'},
    )


class Prompt(BaseModel):
    prompt: str
    tone: str = "casual"


@app.post("/ai", status_code=202)
async def write(wish: Prompt, sms: SMS) -> dict[str, str]:
    """Start; the browser then follows /ai/{request_id}/progress. Any process of this app can answer that."""
    request = await sms.ai.create(prompt=wish.prompt, tone=wish.tone, source="ai_builder")
    return {"request_id": request.id}


@app.get("/ai/{request_id}/progress")
async def progress(request_id: str, sms: SMS) -> StreamingResponse:
    return StreamingResponse(follow(sms, request_id), media_type="text/event-stream")


async def follow(sms: SMSClient, request_id: str) -> AsyncIterator[str]:
    """Server-sent events: `progress` at each look, then one of `done` and `failed`."""
    seen: asyncio.Queue[AIBroadcastStatus | None] = asyncio.Queue()
    waiting = asyncio.create_task(sms.ai.request(request_id).wait(timeout=300, on_poll=seen.put_nowait))
    waiting.add_done_callback(lambda _: seen.put_nowait(None))
    try:
        while (status := await seen.get()) is not None:
            yield event("progress", status=status.status)
        broadcast = await waiting
        yield event("done", id=broadcast.id, body=broadcast.body)
    except SMSError as error:
        yield event("failed", detail=str(error))
    finally:
        # Ends the looking; the request itself goes on at ActiveCampaign.
        waiting.cancel()


def event(name: str, **data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
