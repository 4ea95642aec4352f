"""Any JSON there is, and valid answers bent somewhere."""

from __future__ import annotations

import copy
from typing import Any, TypeGuard

from hypothesis import strategies as st

from tests.faults.answers import VALUES

NASTY = [
    "",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "2026-02-30T25:61:61Z",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "٤٢",
    "1e400",
    "-0",
    "NaN",
    "\ud800",
    "\x00",
    10**30,
    -(10**30),
    1e308,
    float("inf"),
    float("nan"),
    -0.0,
]


def _is_object(value: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def inside(value: Any) -> list[tuple[Any, Any]]:
    """Keys and values of an object, indexes and items of a list, nothing of anything else."""
    if _is_object(value):
        return list(value.items())
    return list(enumerate(value)) if _is_list(value) else []


def _names(value: Any) -> set[str]:
    return {key for key, _ in inside(value) if isinstance(key, str)}.union(
        *(_names(inner) for _, inner in inside(value))
    )


NAMES = sorted({name for value in VALUES.values() for name in _names(value)})

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.datetimes().map(str)
    | st.sampled_from(NASTY)
)
keys: st.SearchStrategy[str] = st.sampled_from(NAMES) | st.text(max_size=6)


def _holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6)


any_json: st.SearchStrategy[Any] = st.recursive(scalars, _holding, max_leaves=12)


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    return [here, *(place for key, inner in inside(value) for place in _places(inner, (*here, key)))]


@st.composite
def bent(draw: st.DrawFn, valid: Any) -> Any:
    """`valid` with up to three of its values replaced, left out or doubled."""
    value: Any = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(value)))
        if not place:
            value = draw(any_json)
            continue
        holder: Any = value
        for key in place[:-1]:
            holder = holder[key]
        how = draw(st.sampled_from(["replace", "leave out", "double"]))
        if how == "replace":
            holder[place[-1]] = draw(any_json)
        elif how == "leave out":
            del holder[place[-1]]
        elif _is_list(holder):
            holder.append(copy.deepcopy(holder[place[-1]]))
    return value
