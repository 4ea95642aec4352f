"""Reading is total: any JSON value becomes a model or a DecodeError with a path, and nothing of a row is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ac_sms_async.lowlevel.models import BroadcastListResponse, BroadcastMetricsResponse, RecipientsResponse
from ac_sms_async.lowlevel.types import DecodeError
from tests.lowlevel.answers import ANSWERS, BROADCAST, CHICAGO, METRICS, RECIPIENT, decode

NAMES = sorted(ANSWERS)
WORDS = sorted(
    {word for answer in ANSWERS.values() for word in json.dumps(answer).split('"') if word.isidentifier()}
    | {"1", "broadcast"}
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=8),
    st.datetimes().map(str),
    st.integers(-9, 99).map(str),
    st.sampled_from(["0000-00-00", "", "-0", "\ud800", "9" * 5000, "9999-12-31T23:59:59-14:00"]),
    st.just(10**400),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=12,
)


def read(name: str, value: Any) -> Any:
    """The model, or the error; anything else that is raised escapes, and fails the test."""
    try:
        return decode(name, value)
    except DecodeError as error:
        return error


@pytest.mark.parametrize("name", NAMES)
@given(value=values)
@settings(max_examples=40)
def test_any_value_at_all(name: str, value: Any) -> None:
    before = repr(value)
    model = read(name, value)
    if isinstance(model, DecodeError):
        assert model.path == "$" or model.path.startswith("$.")
        assert model.message
    elif model is not None:
        # Repairing is done once and for all: what was made of it is read the same again.
        again = decode(name, model.to_dict())
        assert repr(again.to_dict()) == repr(model.to_dict())
    assert repr(value) == before


ROWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "broadcasts": (BroadcastListResponse, BROADCAST),
    "metrics": (BroadcastMetricsResponse, METRICS),
    "recipients": (RecipientsResponse, RECIPIENT),
}


@pytest.mark.parametrize("key", ROWS)
@given(data=st.data())
@settings(max_examples=60)
def test_a_field_that_is_bent_costs_that_field_only(key: str, data: st.DataObject) -> None:
    page, row = ROWS[key]
    name = data.draw(st.sampled_from(sorted(set(row) - {"id"})))
    value = data.draw(values)
    (model,) = getattr(page.from_dict({key: [{**row, name: value}]}, CHICAGO), key)
    given_back = model.to_dict()
    assert {**given_back, name: None} == {**row, name: None}
    if name in model.unparsed:
        assert model.unparsed[name] is given_back[name] is value


@pytest.mark.parametrize("key", ROWS)
@given(value=values)
@settings(max_examples=60)
def test_a_row_that_is_bent_costs_that_row_only(key: str, value: Any) -> None:
    page, row = ROWS[key]
    first, last = {**row, "id": 1}, {**row, "id": 2}
    read_page = page.from_dict({key: [first, value, last]}, CHICAGO)
    rows = getattr(read_page, key)
    assert (rows[0].to_dict(), rows[-1].to_dict()) == (first, last)
    assert len(rows) + len(read_page.unreadable) == 3
    assert all(kept is value for kept in read_page.unreadable)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("deep", ["list", "object", "known"])
def test_depth_does_not_matter(name: str, deep: str) -> None:
    value: Any = 1
    for _ in range(10_000):
        value = [value] if deep == "list" else {"x": value} if deep == "object" else {"broadcast": value}
    read(name, value)
    for key in ANSWERS[name]:
        read(name, {**ANSWERS[name], key: value})
