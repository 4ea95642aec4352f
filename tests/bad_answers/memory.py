"""A client whose server is a function in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx

from ac_sms_async import RetryPolicy, SMSClient

Server = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def client_of(server: Server, token: str = "token") -> AsyncGenerator[SMSClient]:
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(server)) as inner,
        SMSClient(
            "https://acme.api-us1.com",
            token,
            http_client=inner,
            rate_limit=None,
            retry=RetryPolicy(max_attempts=1),
        ) as sms,
    ):
        yield sms
