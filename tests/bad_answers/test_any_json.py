"""Decoding is total: for any answer a call gives a value or an `InvalidResponseError` that says where, nothing else."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_sms_async import InvalidResponseError
from tests.bad_answers.bending import NASTY, any_json, bent, inside
from tests.bad_answers.memory import client_of
from tests.faults.answers import OPERATIONS, VALUES
from tests.faults.calls import CALLS

JSON_CALLS = [name for name in CALLS if not OPERATIONS[name.partition(" ")[0]].streams]
DEEP = b"[" * 50_000


def _bytes(value: Any) -> bytes:
    # A lone surrogate can't be UTF-8, so it stays escaped, as servers send it.
    return json.dumps(value).encode()


def holds(name: str, body: bytes) -> None:
    # Decoding knows no event loop, so one of them is enough.
    anyio.run(_holds, name, body)


async def _holds(name: str, body: bytes) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if int(request.url.params.get("offset", 0)):
            # Behind the page that is looked at there is nothing.
            return httpx.Response(200, json={key: [] for key in VALUES[name]})
        return httpx.Response(200, content=body, headers={"Content-Type": "application/json"})

    problem: InvalidResponseError | None = None
    async with client_of(server) as sms:
        try:
            await CALLS[name](sms)
        except InvalidResponseError as error:
            problem = error
    if problem is not None:
        assert problem.path.startswith("$")
        assert problem.status == 200
        assert problem.maybe_applied is OPERATIONS[name.partition(" ")[0]].writes
        assert problem.request is not None


@pytest.mark.parametrize("name", JSON_CALLS)
@settings(max_examples=25)
@given(value=any_json)
def test_any_json_at_all(name: str, value: Any) -> None:
    holds(name, _bytes(value))


@pytest.mark.parametrize("name", JSON_CALLS)
@settings(max_examples=50)
@given(data=st.data())
def test_a_valid_answer_bent_somewhere(name: str, data: st.DataObject) -> None:
    holds(name, _bytes(data.draw(bent(VALUES[name.partition(" ")[0]]))))


@pytest.mark.parametrize("name", JSON_CALLS)
@settings(max_examples=15)
@given(body=st.binary(max_size=60))
def test_any_bytes(name: str, body: bytes) -> None:
    holds(name, body)


@pytest.mark.parametrize("name", JSON_CALLS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        DEEP,
        b'{"a":' * 50_000,
        b"{}{}",
        b'{"id": 1' + b"0" * 5000 + b"}",
        b'\xef\xbb\xbf{"id": 1}',
        b"\xff\xfe{\x00}\x00",
    ],
    ids=["empty", "null", "deep list", "deep object", "two documents", "huge number", "byte order mark", "UTF-16"],
)
def test_bodies_that_broke_a_parser_before(name: str, body: bytes) -> None:
    holds(name, body)


@pytest.mark.parametrize("nasty", NASTY, ids=repr)
@pytest.mark.parametrize("name", JSON_CALLS)
def test_one_nasty_value_in_every_place(name: str, nasty: Any) -> None:
    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: inner if key == "id" else replaced(inner) for key, inner in inside(value)}
        return [replaced(inner) for _, inner in inside(value)] if isinstance(value, list) else nasty

    holds(name, _bytes(replaced(VALUES[name.partition(" ")[0]])))
