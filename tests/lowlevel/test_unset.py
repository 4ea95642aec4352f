"""UNSET is one object, wherever it has been; so is what an error says."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from ac_sms_async.lowlevel.models import BroadcastUpdateRequest
from ac_sms_async.lowlevel.types import UNSET, DecodeError, Unset


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(UNSET, protocol)) is UNSET


def test_it_survives_copying() -> None:
    assert copy.copy(UNSET) is UNSET
    assert copy.deepcopy({"a": [UNSET]})["a"][0] is UNSET
    assert Unset("UNSET") is UNSET


def test_a_copied_request_still_leaves_out_what_was_left_out() -> None:
    request = BroadcastUpdateRequest(name="n", segment_id=None)
    for twin in (copy.deepcopy(request), copy.copy(request), pickle.loads(pickle.dumps(request))):
        assert twin == request
        assert json.loads(json.dumps(twin.to_dict())) == {"name": "n", "segment_id": None}


def test_it_is_false_and_says_what_it_is() -> None:
    assert not UNSET
    assert repr(UNSET) == "UNSET"


def test_a_decode_error_says_where_and_survives_pickling() -> None:
    error = DecodeError("$.id", "is missing").under("broadcast")
    for twin in (error, pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert (twin.path, twin.message, str(twin)) == ("$.broadcast.id", "is missing", "$.broadcast.id is missing")
