"""The finder finds: what it says of clean things is worth that much."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.secrets.finder import traces

SECRET = "tok-5ecret"


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def _raised(error: BaseException, cause: BaseException | None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def _httpx_error() -> BaseException:
    error = httpx.ConnectError("no")
    error.request = httpx.Request("GET", "https://x.test", headers={"Api-Token": SECRET})
    return error


@pytest.mark.parametrize(
    "thing",
    [
        SECRET,
        SECRET.encode(),
        {"a": [1, {SECRET: 2}]},
        Slotted({"x": (1, f"--{SECRET}--")}),
        ValueError(SECRET),
        _raised(ValueError("a"), KeyError(SECRET)),
        _raised(ValueError("a"), _httpx_error()),
    ],
    ids=["text", "bytes", "key", "slot", "argument", "cause", "header of a cause"],
)
def test_a_secret_is_found_wherever_it_hides(thing: Any) -> None:
    assert traces(thing, SECRET)


def test_a_suppressed_context_still_holds_it() -> None:
    error = ValueError("a")
    error.__context__ = KeyError(SECRET)
    error.__suppress_context__ = True
    assert traces(error, SECRET) == [".__context__.args[0]"]


def test_clean_things_are_clean() -> None:
    loop: list[Any] = [Slotted("x"), {1: 2.0}, None]
    loop.append(loop)
    assert traces(loop, SECRET) == []
