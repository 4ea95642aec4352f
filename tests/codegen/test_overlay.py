"""The overlay applier: what a target selects, how updates merge, and that nothing passes in silence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from codegen.overlay import OverlayError, apply

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/a": {"get": {"parameters": [{"name": "filters[x][]", "in": "query"}, {"name": "limit", "in": "query"}]}},
        "/b/{id}": {"get": {"tags": ["One", "Two"]}, "post": {"tags": ["One"]}},
    },
    "x-list": [1, 2, 3],
}


def apply_actions(*actions: dict[str, Any]) -> dict[str, Any]:
    return apply(DOCUMENT, {"overlay": "1.0.0", "actions": list(actions)})


@pytest.mark.parametrize(
    ("target", "places"),
    [
        ("$.paths['/a']", 1),
        ('$.paths["/b/{id}"].post', 1),
        ("$.paths.*", 2),
        ("$.paths[*]", 2),
        ("$.paths.*.*", 3),
        ("$.paths.*.get", 2),
        ("$.paths['/a'].get.parameters[*]", 2),
        ("$.paths['/a'].get.parameters[1]", 1),
        ("$.paths.*.*.parameters[?(@.name=='filters[x][]')]", 1),
        ("$.paths.*.*.parameters[?@.in == 'query']", 2),
    ],
)
def test_a_target_selects_every_place_that_fits(target: str, places: int) -> None:
    assert str(apply_actions({"target": target, "update": {"x-seen": True}})).count("x-seen") == places


def test_the_document_given_is_left_alone() -> None:
    before = str(DOCUMENT)
    update = {"deep": {"list": [1]}}
    result = apply_actions({"target": "$.paths.*", "update": update})
    result["paths"]["/a"]["deep"]["list"].append(2)
    assert str(DOCUMENT) == before
    assert update == {"deep": {"list": [1]}}
    assert result["paths"]["/b/{id}"]["deep"]["list"] == [1]


def test_updates_merge_into_objects_and_append_to_lists() -> None:
    result = apply_actions(
        {"target": "$", "update": {"info": {"title": "t"}}},
        {"target": "$.info", "update": {"version": 2, "title": "u", "gone": None}},
        {"target": "$['x-list']", "update": {"four": 4}},
    )
    assert result["info"] == {"title": "u", "version": 2, "gone": None}
    assert result["x-list"] == [1, 2, 3, {"four": 4}]


def test_removing_takes_whole_values_and_all_items_that_fit() -> None:
    result = apply_actions(
        {"target": "$.paths.*.*.tags", "remove": True},
        {"target": "$['x-list'][1]", "remove": True},
        {"target": "$.paths['/a'].get.parameters[?(@.in=='query')]", "remove": True},
    )
    assert result["paths"]["/b/{id}"] == {"get": {}, "post": {}}
    assert result["x-list"] == [1, 3]
    assert result["paths"]["/a"]["get"]["parameters"] == []


@pytest.mark.parametrize(
    "target",
    [
        "$.paths['/c']",
        "$.nowhere.*",
        "$['x-list'][3]",
        "$.paths[0]",
        "$['x-list'].name",
        "$['x-list'][0].*",
        "$.paths['/a'].get.parameters[?(@.name=='none')]",
        "$['x-list'][?(@.name=='limit')]",
    ],
)
@pytest.mark.parametrize("effect", [{"update": {}}, {"remove": True}])
def test_a_target_that_selects_nothing_is_an_error_that_names_it(target: str, effect: dict[str, Any]) -> None:
    with pytest.raises(OverlayError) as caught:
        apply_actions({"target": target, **effect})
    assert str(caught.value) == f"{target} selects nothing in the document"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"target": "paths", "remove": True}, "a target starts with $"),
        ({"target": "$..tags", "remove": True}, "cannot read '..tags'"),
        ({"target": "$.paths[?(@.a>1)]", "remove": True}, "cannot read"),
        ({"target": "$.paths"}, "needs update or remove"),
        ({"target": "$.paths", "remove": False}, "needs update or remove"),
        ({"target": "$.paths", "update": {}, "remove": True}, "either updates or removes"),
        ({"target": "$.paths", "update": [1]}, "only an object merges"),
        ({"target": "$['x-list'][0]", "update": {"a": 1}}, "only an object merges"),
        ({"target": "$.paths['/b/{id}'].get", "update": {"tags": ["Three"]}}, "tags is there already: remove it first"),
        ({"target": "$.paths['/b/{id}']", "update": {"get": "text"}}, "get is there already"),
        ({"target": "$", "update": {"paths": {"/b/{id}": {"post": {"tags": {}}}}}}, "tags is there already"),
        ({"target": "$.paths['/a'].get.parameters[0]", "update": {"name": {}}}, "name is there already"),
    ],
)
def test_an_action_that_cannot_be_meant_is_an_error(action: dict[str, Any], message: str) -> None:
    with pytest.raises(OverlayError, match="^" + re.escape(action["target"])) as caught:
        apply_actions(action)
    assert message in str(caught.value)


@pytest.mark.parametrize("overlay", [{}, {"overlay": "2.0.0", "actions": []}, {"openapi": "3.0.0"}])
def test_only_an_overlay_is_an_overlay(overlay: dict[str, Any]) -> None:
    with pytest.raises(OverlayError, match=r"not an OpenAPI Overlay 1\.0 document"):
        apply(DOCUMENT, overlay)
