"""What models have in common: equality, what is shown of them, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

from ac_sms_async.lowlevel.models import BroadcastMessage, BroadcastMetrics, BroadcastUpdateRequest
from tests.lowlevel.answers import ANSWERS, decode


def test_models_are_equal_where_all_fields_are() -> None:
    first = BroadcastMetrics(id=1, sends=2)
    assert first == BroadcastMetrics(id=1, sends=2)
    for other in (
        BroadcastMetrics(id=1, sends=3),
        BroadcastMetrics(id=1, sends=2, extra={"a": 1}),
        BroadcastMetrics(id=1, sends=2, unparsed={"a": 1}),
        BroadcastMessage(id=1),
        1,
    ):
        assert first != other


def test_models_can_be_changed_and_so_have_no_hash() -> None:
    model = BroadcastMetrics(id=1)
    model.sends = 5
    assert model.sends == 5
    with pytest.raises(TypeError, match="unhashable"):
        hash(model)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (BroadcastMessage(id=1), "BroadcastMessage(id=1)"),
        (BroadcastMessage(id=1, name="", list_ids=[]), "BroadcastMessage(id=1, name='', list_ids=[])"),
        (BroadcastMetrics(id=1, sends=0, extra={"a": 1}), "BroadcastMetrics(id=1, sends=0, extra={'a': 1})"),
        (BroadcastUpdateRequest(name="n"), "BroadcastUpdateRequest(name='n')"),
    ],
)
def test_what_says_nothing_is_not_shown(model: Any, shown: str) -> None:
    assert repr(model) == shown


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_models_are_attrs_classes_that_copy_and_pickle(name: str) -> None:
    model = decode(name, ANSWERS[name])
    assert attrs.evolve(model) == model
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin == model
        assert twin is not model
        assert twin.to_dict() == model.to_dict()
