"""What the URL of a Redis says, and a connection to it that isn't open yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from redis import connection as there
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["Wire", "connection_to", "shown_address"]

_OF_A_POOL = frozenset({"connection_class", "max_connections", "timeout"})

_untyped: Any = there


class Wire(Protocol):
    """redis-py's connection."""

    def connect(self) -> object: ...

    def send_command(self, *command: str | int) -> object: ...

    def read_response(self) -> Any: ...

    def disconnect(self) -> object: ...


def connection_to(url: str, *, patience: float = 1.0, connecting: float = 1.0) -> Wire:
    """Not open yet. Raises ValueError or TypeError (for an option that there isn't), whose texts may hold secrets."""
    given: Mapping[str, Any] = _untyped.parse_url(url)
    options = {name: value for name, value in given.items() if name not in _OF_A_POOL}
    ours: Mapping[str, Any] = {
        "socket_timeout": patience,
        "socket_connect_timeout": connecting,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
    }
    kind: Any = given.get("connection_class", there.Connection)
    connection: Wire = kind(**{**options, **ours})
    return connection


def shown_address(url: str) -> str:
    """Where it is, without user, password and options. Raises as `connection_to`."""
    given: Mapping[str, Any] = _untyped.parse_url(url)
    scheme = url.partition("://")[0]
    db = given.get("db") or 0
    if scheme == "unix":
        return f"{scheme}://{given.get('path', '')}?db={db}"
    return f"{scheme}://{given.get('host') or 'localhost'}:{given.get('port') or 6379}/{db}"
