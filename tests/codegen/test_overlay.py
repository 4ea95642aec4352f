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
    "components": {"schemas": {"A": {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}}}},
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
        {"target": "$.info", "update": {"version": 2, "title": "u", "gone": None}, "x-was": {"title": "t"}},
        {"target": "$['x-list']", "update": {"four": 4}},
    )
    assert result["info"] == {"title": "u", "version": 2, "gone": None}
    assert result["x-list"] == [1, 2, 3, {"four": 4}]


def test_removing_takes_whole_values_and_all_items_that_fit() -> None:
    result = apply_actions(
        {"target": "$.paths.*.*.tags", "remove": True, "x-ignores": "no matter"},
        {"target": "$['x-list'][1]", "remove": True, "x-was": 2},
        {"target": "$.paths['/a'].get.parameters[?(@.in=='query')]", "remove": True, "x-ignores": "no matter"},
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
    assert str(caught.value).startswith(f"{target} selects nothing in the document")
    assert apply_actions({"target": target, **effect, "x-optional": True, "x-ignores": "no matter"}) == DOCUMENT


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"target": "paths", "remove": True}, "a target starts with $"),
        ({"target": "$..tags", "remove": True}, "cannot read '..tags'"),
        ({"target": "$.paths[?(@.a>1)]", "remove": True}, "cannot read"),
        ({"target": "$.paths"}, "needs update, remove, x-hoist or x-was"),
        ({"target": "$.paths", "remove": False}, "needs update, remove, x-hoist or x-was"),
        ({"target": "$.paths", "update": {}, "remove": True}, "an action does one thing"),
        ({"target": "$.paths", "update": {}, "x-why": "no"}, "an action knows nothing of ['x-why']"),
        ({"target": "$.paths", "remove": True}, "what is removed has to be said"),
        ({"target": "$['x-list'][0]", "remove": True, "x-was": 7}, "was 7 when the overlay was written, and is 1 now"),
        ({"target": "$['x-list'][0]", "x-was": 7}, "look what that changes, and say so in the action"),
        ({"target": "$.paths['/a'].get.parameters[1]", "update": {"name": "x"}}, 'name is there already, as "limit"'),
        ({"target": "$.paths['/a'].get.parameters[1]", "update": {"name": "limit"}}, "the document says so itself now"),
        (
            {"target": "$.paths['/a'].get.parameters[1]", "update": {"name": "x"}, "x-was": {"name": "size"}},
            '.name was "size" when the overlay was written, and is "limit" now',
        ),
        (
            {"target": "$.paths['/a'].get.parameters[1]", "update": {"name": "x"}, "x-was": {"in": "query"}},
            "x-was says something of in, which the update leaves alone",
        ),
        ({"target": "$.components.schemas.A.properties", "update": {"b": {"description": "x"}}}, "not in the document"),
        (
            {"target": "$.components.schemas.A.properties.a", "x-hoist": "A"},
            "and #/components/schemas/A are not the same",
        ),
        ({"target": "$['x-list'][0]", "x-hoist": "A"}, "only a schema that stands there itself can become A"),
        ({"target": "$.paths", "update": [1]}, "only an object merges"),
        ({"target": "$['x-list'][0]", "update": {"a": 1}}, "only an object merges"),
        (
            {"target": "$.paths['/b/{id}'].get", "update": {"tags": ["Three"]}},
            'tags is there already, as ["One", "Two"]: x-was has to say what',
        ),
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


def test_an_action_replaces_what_it_says_it_does() -> None:
    target = "$.paths['/b/{id}'].get"
    result = apply_actions({"target": target, "update": {"tags": ["Three"]}, "x-was": {"tags": ["One", "Two"]}})
    assert result["paths"]["/b/{id}"]["get"]["tags"] == ["Three"]
    assert apply_actions({"target": f"{target}.tags", "x-was": ["One", "Two"]}) == DOCUMENT


def test_a_headline_is_ours_whatever_it_was() -> None:
    first = {"target": "$.paths['/a'].get", "update": {"summary": "One"}}
    result = apply_actions(first, {**first, "update": {"summary": "Two"}})
    assert result["paths"]["/a"]["get"]["summary"] == "Two"


def test_hoisting_moves_the_vendors_own_schema_and_leaves_what_is_said_of_its_place() -> None:
    place = "$.components.schemas.A.properties"
    result = apply_actions(
        {"target": place, "update": {"c": {"type": "string", "enum": ["x"], "description": "Of c"}}},
        {"target": f"{place}.a", "x-hoist": "Letter"},
        {"target": f"{place}.c", "x-hoist": "Letter"},
        {"target": "$.components.schemas.Letter", "update": {"description": "A letter"}},
    )
    schemas = result["components"]["schemas"]
    assert schemas["A"]["properties"] == {
        "a": {"$ref": "#/components/schemas/Letter"},
        "c": {"$ref": "#/components/schemas/Letter", "description": "Of c"},
    }
    assert schemas["Letter"] == {
        "type": "string",
        "enum": ["x"],
        "description": "A letter",
        "x-place": "$.components.schemas.A.properties.a",
    }


def test_places_that_differ_are_not_hoisted_under_one_name() -> None:
    place = "$.components.schemas.A.properties"
    with pytest.raises(OverlayError, match=r"A\.properties\.c and .*A\.properties\.a are not the same any more"):
        apply_actions(
            {"target": place, "update": {"c": {"type": "string", "enum": ["x", "y"]}}},
            {"target": f"{place}.a", "x-hoist": "Letter"},
            {"target": f"{place}.c", "x-hoist": "Letter"},
        )


def test_words_about_properties_make_none_where_there_are_none_any_more() -> None:
    """A schema that the vendor emptied would get them back without a type."""
    says = {"target": "$.components.schemas.A", "update": {"properties": {"a": {"description": "A letter"}}}}
    assert apply_actions(says)["components"]["schemas"]["A"]["properties"]["a"]["description"] == "A letter"
    emptied: dict[str, Any] = {**DOCUMENT, "components": {"schemas": {"A": {}}}}
    with pytest.raises(
        OverlayError, match=r"\$\.components\.schemas\.A\.properties\.a is not in the document any more"
    ):
        apply(emptied, {"overlay": "1.0.0", "actions": [says]})
    adds = {"target": "$.components.schemas.A", "update": {"properties": {"b": {"type": "string"}}}}
    added = apply(emptied, {"overlay": "1.0.0", "actions": [adds]})
    assert added["components"]["schemas"]["A"] == {"properties": {"b": {"type": "string"}}}
