"""Headers that every backend sends, and those of an answer as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends.decompression import ACCEPT_ENCODING

__all__ = ["is_framed", "plain_headers", "request_headers", "request_id"]

_LONGEST_ID = 200


def request_headers(address: Address, token: str, user_agent: str) -> dict[str, str]:
    """The headers of every request to this address."""
    return {
        "Host": address.netloc,
        "Accept": "application/json",
        "Accept-Encoding": ACCEPT_ENCODING,
        "User-Agent": user_agent,
        "Api-Token": token,
    }


def plain_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """An answer's headers by lower-case name; what comes more than once is joined."""
    plain: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1")
        plain[name] = f"{plain[name]}, {value}" if name in plain else value
    return plain


def request_id(headers: Mapping[str, str], redact: Callable[[str], str]) -> str | None:
    """What the server, or what stands before it, calls the request: the first of the names that are in use."""
    for name in ("x-request-id", "request-id", "x-correlation-id", "cf-ray"):
        value = headers.get(name, "").strip()
        if value:
            return redact(value)[:_LONGEST_ID]
    return None


def is_framed(method: str, status: int, headers: Mapping[str, str]) -> bool:
    """Whether the answer's headers say where its body ends, so that a cut would have been noticed."""
    return (
        "content-length" in headers
        or headers.get("transfer-encoding", "").lower().endswith("chunked")
        or status in (204, 304)
        or method == "HEAD"
    )
