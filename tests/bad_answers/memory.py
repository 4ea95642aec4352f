"""A client whose server is a function in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Self

import httpx

from ac_sms_async import RetryPolicy, SMSClient

Server = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.AsyncByteStream):
    """A body that comes in these pieces. (No generator: trio warns of those that are left halfway.)"""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


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
