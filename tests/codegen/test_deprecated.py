"""What the document calls deprecated warns whoever uses it, where they use it."""

from __future__ import annotations

import copy
import importlib
import warnings
from typing import Any

import pytest

from codegen.overlay import apply
from codegen.render import overlay, render
from tests.codegen.layer import loaded
from tests.codegen.verdicts import document

pytestmark = pytest.mark.anyio


class Answering:
    """A client that answers with the request."""

    async def send(self, request: Any) -> Any:
        return type("Response", (), {"parsed": request})


async def test_the_warning_points_at_the_caller() -> None:
    changed = copy.deepcopy(document())
    lists = changed["paths"]["/sms/lists"]["get"]
    lists["deprecated"] = True
    lists["parameters"][2]["deprecated"] = True
    field = changed["components"]["schemas"]["BroadcastUpdateRequest"]["properties"]["name"]
    field["deprecated"] = True
    with loaded(render(apply(changed, overlay()))) as root, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        endpoint = importlib.import_module(f"{root}.api.lists").list_broadcast_lists
        endpoint(limit=1)
        await endpoint.asyncio(Answering(), name="VIP")
        await endpoint.asyncio_detailed(Answering())
        model = importlib.import_module(f"{root}.models").BroadcastUpdateRequest
        model(body="b").to_dict()
        model(name="n").to_dict()
        importlib.import_module(f"{root}.api.broadcasts").update_broadcast(1, model(name="n"))
    operation, parameter = "listBroadcastLists is deprecated", "name is deprecated"
    name = "BroadcastUpdateRequest.name is deprecated"
    assert [str(one.message) for one in caught] == [operation, operation, parameter, operation, name, name]
    assert {one.filename for one in caught} == {__file__}
    assert all(one.category is DeprecationWarning for one in caught)
