"""Requests and responses as values, and what it takes to send one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

from .unset import UNSET

T = TypeVar("T")


@frozen(kw_only=True)
class Request(Generic[T]):
    """One call of an operation, ready to be sent below an account's base URL.

    Attributes:
        operation_id: The operation of the document.
        method: GET, POST, PUT or DELETE.
        path: Percent-encoded, from the base URL on, without a query.
        query: Encoded and ready to follow a question mark; "" for none.
        accept: The media type that the operation answers with.
        retry_safe: Sending it twice changes nothing.
        decode: From the parsed JSON (for text/csv: from the text) and the zone that naive times are in, to the model.
        json: The body, a value that `json.dumps` takes; UNSET for no body.
    """

    operation_id: str
    method: str
    path: str
    query: str = ""
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
