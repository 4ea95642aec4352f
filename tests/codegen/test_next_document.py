"""The page on the vendor's next document, walked: what it says to edit is all there is to edit."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.changes import changes
from codegen.keywords import ShapeError
from codegen.overlay import OverlayError, apply
from codegen.render import Refused, overlay, render
from tests.codegen.layer import faults
from tests.codegen.verdicts import document, layer

PAGE = (Path(__file__).parents[2] / "docs/contributing/vendor-document.md").read_text("utf-8")
Node = dict[str, Any]


def actions_of_the_page() -> list[Node]:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found: list[Node] = yaml.safe_load(block)
    return found


def explained(message: str) -> bool:
    """The page's table has this message: its fixed words, in their order."""
    cells = re.findall(r"^\| (`.*?) \| ", PAGE, re.MULTILINE)
    patterns = [re.escape(words).replace("…", ".*") for cell in cells for words in re.findall(r"`([^`]+)`", cell)]
    return any(re.search(pattern, message) for pattern in patterns)


def walk(changed: Node, edits: list[Node], more: Callable[[list[Node]], list[Node]] = list) -> dict[str, str]:
    """Takes the edits one by one, for each message that asks for one; `more` changes the actions that are there."""
    actions = more(list(overlay()["actions"]))
    waiting = list(edits)
    while True:
        try:
            return render(apply(changed, {**overlay(), "actions": actions}))
        except (OverlayError, ShapeError, Refused) as error:
            message = str(error)
        assert explained(message), message
        assert waiting, message
        actions.append(waiting.pop(0))


def test_the_vendors_own_document_needs_no_edit() -> None:
    own = copy.deepcopy(document())
    del own["info"]["x-generated-from"]
    for item in own["paths"].values():
        for operation in item.values():
            del operation["x-microcks-operation"]
    assert walk(own, []) == layer()


def with_quiet_hours() -> Node:
    changed = copy.deepcopy(document())

    def operation(name: str, **more: Any) -> Node:
        return {"operationId": name, "summary": "Vendor's words", "tags": ["QuietHours"], **more}

    def content(name: str) -> Node:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    answer = {"200": {"description": "Fine", **content("QuietHours")}, "403": {"description": "Not allowed"}}
    body = {"required": True, **content("QuietHoursRequest")}
    by_id = [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "description": "Its id"}]
    rows = {"200": {"description": "Fine", **content("QuietHoursResponse")}}
    changed["paths"]["/sms/quiet-hours"] = {
        "get": operation("listQuietHours", responses=rows),
        "post": operation("createQuietHours", requestBody=body, responses=answer),
    }
    changed["paths"]["/sms/quiet-hours/{id}"] = {
        "parameters": by_id,
        "put": operation("updateQuietHours", requestBody=body, responses=answer),
        "delete": operation("deleteQuietHours", responses={"204": {"description": "Deleted"}}),
    }
    times: Node = {"start": {"type": "string", "format": "time"}, "stop": {"type": "string", "format": "time"}}
    changed["components"]["schemas"].update(
        QuietHours={
            "type": "object",
            "required": ["id", "start", "stop"],
            "properties": {"id": {"type": "integer"}, **times, "created_at": {"type": "string", "format": "date-time"}},
        },
        QuietHoursRequest={"type": "object", "required": ["start", "stop"], "properties": times},
        QuietHoursResponse={
            "type": "object",
            "properties": {"quiet_hours": {"type": "array", "items": {"$ref": "#/components/schemas/QuietHours"}}},
        },
    )
    return changed


def test_quiet_hours_need_the_edits_that_the_page_shows() -> None:
    changed = with_quiet_hours()
    files = walk(changed, actions_of_the_page())
    assert faults(files, changed) == []
    assert "decode=read_nothing" in files["api/quiet_hours.py"]
    assert "def delete_quiet_hours(id: int) -> Request[None]" in files["api/quiet_hours.py"]
    told = changes(layer(), files)
    assert told.breaking == []
    assert "operation deleteQuietHours is new: DELETE /sms/quiet-hours/{id}, is never sent twice" in told.other


def with_twenty_changes() -> Node:
    changed = copy.deepcopy(document())
    paths, schemas = changed["paths"], changed["components"]["schemas"]
    broadcasts = paths["/sms/broadcasts"]["get"]
    broadcasts["parameters"] += [
        {"name": "archived", "in": "query", "schema": {"type": "boolean"}},
        {"name": "ids[]", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
        {"name": "fields", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
        {"$ref": "#/components/parameters/Cost"},
    ]
    changed["components"]["parameters"] = {"Cost": {"name": "cost", "in": "query", "schema": {"type": "number"}}}
    broadcasts["parameters"][7]["deprecated"] = True
    paths["/sms/lists"]["get"]["parameters"][2]["required"] = True
    paths["/sms/broadcasts/ai/{Id}"]["get"]["deprecated"] = True
    paths["/sms/broadcasts/{id}"]["delete"]["responses"]["204"] = {"description": "Gone"}
    paths["/sms/credits"]["get"]["responses"]["429"] = {"description": "Too many"}
    message = schemas["BroadcastMessage"]["properties"]
    message["cost"] = {"type": "number", "nullable": True}
    message["window"] = {"type": "object", "properties": {"start": {"type": "string"}}}
    message["mood"] = {"type": "string", "enum": ["good", "bad"]}
    message["body"]["maxLength"] = 1600
    del message["sift_approved"]
    schemas["Recipient"]["properties"]["details"]["properties"]["carrier"] = {"type": "string"}
    schemas["SnapshotResponse"]["properties"]["snapshot"]["properties"]["opens"] = {"type": "integer"}
    schemas["AIBroadcastStatus"]["properties"]["status"]["enum"].append("queued")
    schemas["BroadcastCreateRequest"]["required"].append("list_ids")
    schemas["BroadcastUpdateRequest"]["properties"]["send_after"] = {"type": "string", "format": "date"}
    schemas["BroadcastList"]["properties"]["archived"] = {"type": "boolean"}
    return changed


def test_twenty_changes_at_once_need_no_edit_and_are_all_told() -> None:
    changed = with_twenty_changes()
    files = walk(changed, [])
    assert faults(files, changed) == []
    told = changes(layer(), files)
    for name in (
        "list_broadcasts.archived is new: bool | None",
        "list_broadcasts.ids is new: Iterable[int] | None",
        "list_broadcasts.fields is new: Iterable[str] | None",
        "list_broadcasts.x_trace is new: str | None",
        "list_broadcasts.cost is new: float | None",
        "list_broadcasts tells of something deprecated",
        "get_ai_broadcast_status tells of something deprecated",
        "get_sms_credit_data is described anew",
        "BroadcastMessage.cost is new: float | None",
        "BroadcastMessage.window is new: BroadcastMessageWindow | None",
        "BroadcastMessage.mood is new: BroadcastMessageMood | None",
        "RecipientDetails.carrier is new: str | None",
        "Snapshot.opens is new: int | None",
        "AIStatus: the value 'queued' is new",
        "BroadcastUpdateRequest.send_after is new: datetime.date | Unset",
        "BroadcastList.archived is new: bool | None",
    ):
        assert name in told.other
    assert sorted(told.breaking) == [
        "BroadcastCreateRequest.list_ids has to be given now",
        "BroadcastCreateRequest.list_ids is list[int], was list[int] | Unset",
        "BroadcastMessage.sift_approved is gone",
        "list_broadcast_lists.name has to be given now",
        "list_broadcast_lists.name is str, was str | None",
    ]


@pytest.mark.parametrize("file", re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
def test_the_places_that_the_page_names_are_there(file: str) -> None:
    assert (Path(__file__).parents[2] / file).is_file()
