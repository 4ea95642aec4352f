"""The guard before requests of any kind: none of them may send a broadcast to people by accident."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.lowlevel.types import Unset

__all__ = ["refuse_send"]

_SEND: Final = "pending_review"
"""The status that starts a send."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode's categories of white space, controls and what has no width: a server may take them away."""


def refuse_send(method: str, params: Mapping[str, Any] | None, body: Any) -> None:
    """Refuse a request that could start a send, whatever path it goes to: that is what `broadcasts.send` is for."""
    if method.upper() in ("GET", "HEAD"):
        return
    # What leaves is looked at, and not the objects it is made of, which may be of any class that turns into this text.
    try:
        sent = json.loads(json.dumps([dict(params or {}), None if isinstance(body, Unset) else body], default=str))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"params and json must be what JSON can hold: {error}") from None
    if any(_means_send(text) for text in _texts(sent)):
        raise ConfigurationError("this could send a broadcast: call broadcasts.send instead")


def _texts(value: Any) -> Iterator[str]:
    # Not recursive: what is nested as deep as JSON can be is looked at to the ground.
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            left += item
        elif isinstance(item, dict):
            for key, inner in cast("dict[str, Any]", item).items():
                left += (key, inner)


def _means_send(text: str) -> bool:
    letters = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(letter for letter in letters if letter != "\\" and unicodedata.category(letter) not in _UNSEEN)
    # Alone, or within JSON that is sent as a text.
    return plain == _SEND or f'"{_SEND}"' in plain
