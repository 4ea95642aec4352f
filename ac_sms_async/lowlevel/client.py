"""Requests and responses as values, and what it takes to send one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from attrs import frozen

from .unset import UNSET

P = ParamSpec("P")
T = TypeVar("T")


@frozen(kw_only=True)
class Request(Generic[T]):
    """One call of an operation, ready to be sent below an account's base URL.

    Attributes:
        operation_id: The operation of the document.
        method: GET, POST, PUT or DELETE.
        path: Percent-encoded, from the base URL on, without a query.
        query: Encoded and ready to follow a question mark; "" for none.
        headers: Names and values of the operation's own headers.
        accept: The media type that the operation answers with.
        retry_safe: Sending it twice changes nothing.
        decode: From the parsed JSON (for text/csv: from the text) and the zone that naive times are in, to the model.
        json: The body, a value that `json.dumps` takes; UNSET for no body.
    """

    operation_id: str
    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    accept: str = "application/json"
    retry_safe: bool
    decode: Callable[[Any, tzinfo], T]
    json: Any = UNSET


@frozen(kw_only=True)
class Response(Generic[T]):
    """What came back, already decoded.

    Attributes:
        status: The HTTP status, 2xx.
        headers: By lower-case name.
        parsed: The model.
    """

    status: int
    headers: Mapping[str, str]
    parsed: T


class Client(Protocol):
    """Whatever sends a request and decodes its answer."""

    async def send(self, request: Request[T], /) -> Response[T]: ...


class Endpoint(Generic[P, T]):
    """An operation of the document: called, it builds its request; through a client it is sent.

    `list_broadcasts(limit=20)` and `list_broadcasts.request(limit=20)` build, `await list_broadcasts.asyncio(client, limit=20)`
    sends and gives the model, `asyncio_detailed` gives the status and the headers beside it.
    """

    def __init__(self, request: Callable[P, Request[T]]) -> None:
        update_wrapper(self, request)
        self.request = request

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Request[T]:
        return self.request(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<endpoint {self.request.__module__}.{self.request.__name__}>"

    async def asyncio(self, client: Client, *args: P.args, **kwargs: P.kwargs) -> T:
        """Sends the request through `client` and gives the model."""
        return (await client.send(self.request(*args, **kwargs))).parsed

    async def asyncio_detailed(self, client: Client, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """As `asyncio`, with the status and the headers."""
        return await client.send(self.request(*args, **kwargs))


def endpoint(request: Callable[P, Request[T]]) -> Endpoint[P, T]:
    """Makes an endpoint of the function that builds an operation's request."""
    return Endpoint(request)
