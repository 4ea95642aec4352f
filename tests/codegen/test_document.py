"""The vendor's document with our overlay: what operations and dates end up with, and that nothing is left out."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.lowlevel import models
from ac_sms_async.lowlevel.operations import OPERATIONS, Operation
from codegen.overlay import OverlayError, apply
from codegen.render import describe, overlay

ROOT = Path(__file__).parents[2]
VENDOR: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text("utf-8"))
OVERLAY = overlay()
DOCUMENT = apply(VENDOR, OVERLAY)

TAGS = {
    "broadcasts": {"listBroadcasts", "createBroadcast", "getBroadcast", "updateBroadcast", "deleteBroadcast"},
    "lists": {"listBroadcastLists"},
    "ai": {"createAIBroadcast", "updateAIBroadcast", "getAIBroadcastStatus"},
    "metrics": {"getBroadcastMetrics", "getBroadcastSnapshot", "getBroadcastSnapshotByIds", "getBroadcastFailures"},
    "recipients": {"getBroadcastRecipients"},
    "exports": {"exportBroadcastMetrics", "exportBroadcastRecipients"},
    "credits": {"getSmsCreditData"},
}
WRITES = {"createBroadcast", "updateBroadcast", "deleteBroadcast", "createAIBroadcast", "updateAIBroadcast"}


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_the_layer_has_every_operation_of_the_vendor() -> None:
    vendor = operations(VENDOR)
    assert len(vendor) == 17
    assert {name: (one.method, one.path) for name, one in OPERATIONS.items()} == {
        name: (method, path) for name, (method, path, _) in vendor.items()
    }


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_an_endpoint_that_builds_and_sends_it(name: str) -> None:
    operation = OPERATIONS[name]
    endpoint = getattr(importlib.import_module(f"ac_sms_async.lowlevel.api.{operation.tag}"), operation.name)
    for function in ("request", "asyncio", "asyncio_detailed"):
        assert callable(getattr(endpoint, function))
    for documented in (endpoint, endpoint.request):
        assert f"Calls {name}: {operation.method} {operation.path}." in documented.__doc__


def test_every_operation_has_one_home() -> None:
    found = {tag: {one.operation_id for one in OPERATIONS.values() if one.tag == tag} for tag in TAGS}
    assert found == TAGS
    modules = {path.stem for path in (ROOT / "ac_sms_async/lowlevel/api").glob("*.py")}
    assert modules == {*TAGS, "__init__"}


def test_reads_are_safe_to_repeat_and_writes_are_not() -> None:
    assert {name for name, operation in OPERATIONS.items() if not operation.retry_safe} == WRITES


def test_the_layer_says_what_the_overlay_says() -> None:
    overlaid = describe(DOCUMENT).operations
    assert [Operation(one.id, one.tag, one.module, one.method, one.path, one.retry_safe) for one in overlaid] == list(
        OPERATIONS.values()
    )


def test_every_schema_of_the_vendor_is_a_model() -> None:
    assert set(VENDOR["components"]["schemas"]) <= set(models.__all__)
    assert len(VENDOR["components"]["schemas"]) == 18
    assert set(DOCUMENT["components"]["schemas"]) == set(models.__all__)


def test_what_a_date_without_an_offset_means() -> None:
    zones = {
        f"{name}.{wire}": schema["x-timezone"]
        for name, component in DOCUMENT["components"]["schemas"].items()
        for wire, schema in component.get("properties", {}).items()
        if "x-timezone" in schema
    }
    assert {name for name, zone in zones.items() if zone == "UTC"} == {
        "BroadcastMessage.scheduled_date",
        "BroadcastCreateRequest.scheduled_date",
        "BroadcastUpdateRequest.scheduled_date",
    }
    assert {name for name, zone in zones.items() if zone == "account"} == {
        "BroadcastMessage.sent_date",
        "BroadcastMessage.created_at",
        "BroadcastMessage.updated_at",
        "BroadcastMessage.deleted_at",
        "Recipient.sentDate",
        "RecipientReply.date",
        "SmsCredits.nextRefillDate",
    }


@pytest.mark.parametrize("name", sorted(VENDOR["components"]["schemas"]))
def test_the_overlay_takes_no_field_away(name: str) -> None:
    before, after = VENDOR["components"]["schemas"][name], DOCUMENT["components"]["schemas"][name]
    assert set(before["properties"]) == set(after["properties"])
    assert set(before.get("required", [])) <= set(after.get("required", []))


def enums(document: dict[str, Any]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if "enum" in node:
            found.add(tuple(node["enum"]))
        return node

    json.loads(json.dumps(document), object_hook=note)
    return found


def test_the_overlay_takes_no_value_away() -> None:
    assert enums(VENDOR) == enums(DOCUMENT)


@pytest.mark.parametrize("index", range(len(OVERLAY["actions"])))
def test_every_action_has_an_effect(index: int) -> None:
    action = OVERLAY["actions"][index]
    if action.keys() == {"target", "x-was"}:
        pytest.skip("it holds the document to what is known of it elsewhere")
    without = OVERLAY["actions"][:index] + OVERLAY["actions"][index + 1 :]
    try:
        result: Any = apply(VENDOR, {**OVERLAY, "actions": without})
    except OverlayError as error:
        result = error  # Another action builds on it.
    assert result != DOCUMENT
