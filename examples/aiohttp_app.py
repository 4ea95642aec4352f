"""A small web app on aiohttp, whose client uses the fast backend.

    pip install aiohttp 'ac-sms-async[speedups]'
    export ACTIVECAMPAIGN_URL=... ACTIVECAMPAIGN_API_TOKEN=...
    python aiohttp_app.py --port 8080

`GET /metrics?ids=1,2,3` answers with one JSON line for each broadcast, as soon as its chunk is there;
`GET /broadcasts/42/recipients.csv` passes an export on. A browser that hangs up ends what was done for it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from ac_sms_async import ConfigurationError, NotFoundError, SMSClient, SMSError

CLIENT = web.AppKey("client", SMSClient)


async def client(app: web.Application) -> AsyncIterator[None]:
    """Open for as long as the app runs."""
    async with SMSClient.from_env(backend="httptools", deadline=20) as sms:
        app[CLIENT] = sms
        yield


@web.middleware
async def explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn the client's errors into answers, as long as nothing has been answered yet."""
    try:
        return await handler(request)
    except ConfigurationError as error:
        raise web.HTTPUnprocessableEntity(text=error.message) from error
    except NotFoundError as error:
        raise web.HTTPNotFound(text="There is no such thing at ActiveCampaign.") from error
    except SMSError as error:
        raise web.HTTPBadGateway(text="ActiveCampaign failed.") from error


async def metrics(request: web.Request) -> web.StreamResponse:
    try:
        ids = [int(number) for number in request.query["ids"].split(",")]
    except (KeyError, ValueError):
        raise web.HTTPBadRequest(text="ask for ?ids=1,2,3") from None
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    async with request.app[CLIENT].metrics.stream(ids, chunk_size=20) as outcomes:
        async for outcome in outcomes:
            clicks = outcome.metrics.clicks if outcome.status == "ok" else None
            line = {"id": outcome.id, "status": outcome.status, "clicks": clicks}
            await response.write(json.dumps(line).encode() + b"\n")
    await response.write_eof()
    return response


async def recipients(request: web.Request) -> web.StreamResponse:
    broadcast_id = int(request.match_info["broadcast_id"])
    async with request.app[CLIENT].exports.recipients(broadcast_id) as export:
        # Only now, when the server has said yes, does the answer begin.
        response = web.StreamResponse(headers={"Content-Type": "text/csv"})
        await response.prepare(request)
        async for chunk in export.bytes():
            await response.write(chunk)
    await response.write_eof()
    return response


def make_app() -> web.Application:
    app = web.Application(middlewares=[explain])
    app.cleanup_ctx.append(client)
    app.router.add_get("/metrics", metrics)
    app.router.add_get(r"/broadcasts/{broadcast_id:\d+}/recipients.csv", recipients)
    return app


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=8080)
    web.run_app(make_app(), host="127.0.0.1", port=arguments.parse_args().port, handler_cancellation=True)
