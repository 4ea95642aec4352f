"""On Quart, which itself cancels what is done for a browser that goes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from quart import Quart, Response, current_app, request

from ac_sms_async import SMSClient

app = Quart(__name__)


@app.while_serving
async def client() -> AsyncGenerator[None]:
    async with SMSClient.from_env(deadline=20, rate_limit=None, max_concurrency=1) as sms:
        app.extensions["sms"] = sms
        yield


@app.get("/credits")
async def credits() -> dict[str, int | None]:
    sms: SMSClient = current_app.extensions["sms"]
    return {"available": (await sms.credits.get()).available}


@app.get("/export")
async def export() -> Response:
    sms: SMSClient = current_app.extensions["sms"]
    broadcast_id = int(request.args["id"])

    async def chunks() -> AsyncIterator[bytes]:
        async with sms.exports.recipients(broadcast_id) as export:
            async for chunk in export.bytes():
                yield chunk

    response = Response(chunks(), mimetype="text/csv")
    # Quart ends an answer after a minute by itself.
    response.timeout = None
    return response
