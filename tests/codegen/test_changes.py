"""What `make generate` ends by saying: each change that a caller notices, breaking ones first."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from codegen.changes import changes
from codegen.overlay import apply
from codegen.render import overlay, render
from tests.codegen.verdicts import document, layer

Node = dict[str, Any]


def after(change: Callable[[Node], object]) -> dict[str, str]:
    changed = copy.deepcopy(document())
    change(changed)
    return render(apply(changed, overlay()))


def schema(node: Node, name: str) -> Node:
    found: Node = node["components"]["schemas"][name]
    return found


def test_nothing_has_changed() -> None:
    assert str(changes(layer(), layer())) == "Nothing has changed that a caller would notice."


BROADCASTS = "/sms/broadcasts"
CASES: list[tuple[Callable[[Node], object], list[str], list[str]]] = [
    (
        lambda node: node["paths"][BROADCASTS]["get"]["parameters"].append(
            {"name": "archived", "in": "query", "schema": {"type": "boolean"}}
        ),
        [],
        ["list_broadcasts.archived is new: bool | None"],
    ),
    (
        lambda node: node["paths"][BROADCASTS]["get"]["parameters"][6].update(required=True),
        [
            "list_broadcasts.start_date is datetime.date, was datetime.date | None",
            "list_broadcasts.start_date has to be given now",
        ],
        [],
    ),
    (
        lambda node: node["paths"][BROADCASTS]["get"]["parameters"].pop(7),
        ["list_broadcasts.end_date is gone"],
        [],
    ),
    (
        lambda node: schema(node, "BroadcastCreateRequest")["required"].append("address_id"),
        [
            "BroadcastCreateRequest.address_id is int | None, was int | None | Unset",
            "BroadcastCreateRequest.address_id has to be given now",
        ],
        [],
    ),
    (
        lambda node: schema(node, "BroadcastCreateRequest").update(required=["name"]),
        ["BroadcastCreateRequest.body is str | Unset, was str"],
        ["BroadcastCreateRequest.body can be left out now"],
    ),
    (
        lambda node: schema(node, "BroadcastMessage")["properties"].update(cost={"type": "number"}),
        [],
        ["BroadcastMessage.cost is new: float | None"],
    ),
    (
        lambda node: schema(node, "BroadcastMessage")["properties"]["body"].update(deprecated=True),
        [],
        ["BroadcastMessage tells of something deprecated"],
    ),
    (
        lambda node: schema(node, "AIBroadcastStatus")["properties"]["status"]["enum"].append("queued"),
        [],
        ["AIStatus: the value 'queued' is new"],
    ),
    (
        lambda node: node["paths"]["/sms/credits"]["get"].update(operationId="getCredits"),
        ["operation getSmsCreditData is gone", "get_sms_credit_data is gone"],
        [
            "operation getCredits is new: GET /sms/credits, may be sent again after a fault",
            "get_credits is new",
        ],
    ),
    (
        lambda node: node["paths"]["/sms/lists"]["get"].update(description="Other words"),
        [],
        ["list_broadcast_lists is described anew"],
    ),
    (lambda node: node["info"].update(version="4.0.0"), [], ["__init__.py is not what it was"]),
]


@pytest.mark.parametrize(("change", "breaking", "other"), CASES)
def test_each_change_is_told(change: Callable[[Node], object], breaking: list[str], other: list[str]) -> None:
    told = changes(layer(), after(change))
    assert (told.breaking, told.other) == (breaking, other)
    text = str(told)
    assert text.startswith("Breaking changes:" if breaking else "Changes:")
    assert all(f"- {line}" in text for line in [*breaking, *other])


@pytest.mark.parametrize(
    ("file", "old", "new", "breaking", "other"),
    [
        (
            "operations.py",
            '"/sms/lists", True',
            '"/sms/all-lists", False',
            [],
            [
                "operation listBroadcastLists: GET /sms/lists, may be sent again after a fault is "
                "GET /sms/all-lists, is never sent twice now"
            ],
        ),
        (
            "api/lists.py",
            '"filters[name]"',
            '"filters[title]"',
            [],
            ["list_broadcast_lists sends or reads it in another way"],
        ),
        (
            "models/broadcast_list.py",
            "    id: int\n",
            "    id: int = 0\n",
            ["BroadcastList.id is not always there now"],
            [],
        ),
        ("models/page_meta.py", "class PageMeta", "class Meta", ["PageMeta is gone"], ["Meta is new"]),
        ("models/yes_no.py", "YesNo: ", "Flag: ", ["YesNo is gone"], ["Flag is new"]),
        ("models/yes_no.py", '"yes"', '"on"', [], ["YesNo: the value 'yes' is gone", "YesNo: the value 'on' is new"]),
        ("reading.py", "ID_LIMIT = 2**63", "ID_LIMIT = 2**31", [], ["reading.py is not what it was"]),
    ],
)
def test_a_change_of_the_code_is_told(file: str, old: str, new: str, breaking: list[str], other: list[str]) -> None:
    assert old in layer()[file]
    told = changes(layer(), {**layer(), file: layer()[file].replace(old, new)})
    assert (told.breaking, told.other) == (breaking, other)


def test_breaking_changes_come_first() -> None:
    told = changes(layer(), {**layer(), "models/yes_no.py": layer()["models/yes_no.py"].replace("YesNo: ", "Flag: ")})
    assert str(told) == "Breaking changes:\n- YesNo is gone\nChanges:\n- Flag is new"
