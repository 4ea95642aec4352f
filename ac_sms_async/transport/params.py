"""The query of a request that the API's document doesn't have, from what a caller hands in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from ac_sms_async.errors import ConfigurationError

__all__ = ["ParamValue", "encode_params"]

ParamValue: TypeAlias = str | int | float | bool | None


def encode_params(params: Mapping[str, ParamValue | Sequence[ParamValue]] | None) -> str:
    """`params` as a query without its question mark. Raises `ConfigurationError` for what can't be sent."""
    if params is not None and not isinstance(params, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - users hand in anything
        raise ConfigurationError(f"params must be a dict such as {{'limit': 20}}, not {type(params).__name__}")
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users hand in anything
            raise ConfigurationError(f"the names of params must be str, not {type(name).__name__}")
        values: Sequence[Any] = [value]
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            values = value
        pairs += [(name, _param(name, item)) for item in values if item is not None]
    try:
        return urlencode(pairs, quote_via=quote)
    except UnicodeEncodeError as error:
        problem = ConfigurationError(
            f"params hold half a surrogate pair, which no text sent can hold: {error.object!r}"
        )
    raise problem


def _param(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    number: Any = value
    if isinstance(value, float) and math.isfinite(value):
        return str(float(value))
    try:
        # Whole numbers of other libraries, such as NumPy's, have an index.
        return str(int(index(number)))
    except (TypeError, ValueError):
        # No whole number, or one of thousands of digits: said below.
        pass
    raise ConfigurationError(
        f"params[{name!r}] must be a str, int, finite float, bool or None, or a list of them, not "
        f"{type(value).__name__}: write it as the server wants it, a date as value.isoformat()"
    )
