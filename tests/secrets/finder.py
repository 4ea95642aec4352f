"""Finds a secret in anything that a program could print, log, pickle or walk to."""

from __future__ import annotations

import pickle
import traceback
import types
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard, cast

_LEAVES = (type(None), bool, int, float, complex, type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def traces(thing: Any, secret: str) -> list[str]:
    """Where `secret` shows in `thing`: paths of values that hold it, or the text that shows it; [] when clean."""
    found = [f"{name}(...)" for name, text in _texts(thing) if secret in text]
    try:
        pickled = pickle.dumps(thing)
    except Exception as error:
        # What refuses to be pickled must not tell either.
        pickled = str(error).encode()
    if secret.encode() in pickled:
        found.append("pickle(...)")
    return found + [path for path, value in _walk(thing) if secret in value]


def _texts(thing: Any) -> Iterator[tuple[str, str]]:
    yield "repr", repr(thing)
    yield "str", str(thing)
    if isinstance(thing, BaseException):
        yield "traceback", "".join(traceback.format_exception(thing))


def _walk(thing: Any) -> Iterator[tuple[str, str]]:
    """Every text that can be reached from `thing` by attributes, items, causes and contexts."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", thing)]
    kept: list[Any] = []
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, (bytes, bytearray)):
            yield path, bytes(value).decode("latin-1")
        elif isinstance(value, _LEAVES) or id(value) in seen:
            continue
        else:
            seen.add(id(value))
            # Kept alive, or another object could get the same id.
            kept.append(value)
            waiting.extend((f"{path}{name}", inner) for name, inner in _inside(value))


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if _is_mapping(value):
        for key, inner in list(value.items()):
            yield ".key", key
            yield f"[{key!r}]", inner
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(list(cast("list[Any]", value))):
            yield f"[{index}]", inner
    if isinstance(value, BaseException):
        yield ".__cause__", value.__cause__
        yield ".__context__", value.__context__
        yield ".args", value.args
    yield from _attributes(cast("object", value))


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    for name, inner in list(getattr(value, "__dict__", {}).items()):
        yield f".{name}", inner
    for kind in type(value).__mro__:
        slots: Any = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield f".{name}", getattr(value, name)
