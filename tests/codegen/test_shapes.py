"""What the templates are told of operations, parameters and schemas, and in which sentence they refuse the rest."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from codegen.keywords import ShapeError
from codegen.operations import Operation
from codegen.render import Description, describe, render
from codegen.shapes import Schema, Shape

Node = dict[str, Any]

OK: Node = {
    "description": "A thing",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
}
DOCUMENT: Node = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "operationId": "getThing",
                "summary": "Get a thing",
                "tags": ["things"],
                "x-retry-safe": True,
                "responses": {"404": {"description": "none"}, "200": OK},
            },
        },
    },
    "components": {
        "schemas": {
            "Thing": {"type": "object", "properties": {"id": {"type": "integer"}}},
        },
    },
}


def document(operation: Node | None = None, schemas: Node | None = None, path: str = "/things", **top: Any) -> Node:
    made = {**copy.deepcopy(DOCUMENT), **top}
    made["paths"] = {path: made["paths"]["/things"]}
    made["paths"][path]["get"].update(operation or {})
    made["components"]["schemas"].update(schemas or {})
    return made


def told(*arguments: Any, **named: Any) -> Description:
    return describe(document(*arguments, **named))


def operation(**changes: Any) -> Operation:
    (found,) = told(changes).operations
    return found


def thing(properties: Node, **more: Any) -> Schema:
    """The schema of an answer with these properties."""
    return told(None, {"Thing": {"type": "object", "properties": properties, **more}}).schemas["Thing"]


def shape(schema: Node) -> Shape:
    (field,) = thing({"value": schema}).fields
    return field.shape


@pytest.mark.parametrize(
    ("schema", "kind", "annotation", "nullable"),
    [
        ({"type": "integer"}, "int", "int", False),
        ({"type": "number"}, "float", "float", False),
        ({"type": "boolean", "nullable": True}, "bool", "bool", True),
        ({"type": ["string", "null"]}, "text", "str", True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text", "str", True),
        ({"allOf": [{"type": "string"}], "description": "d"}, "text", "str", False),
        ({"type": "string", "format": "date"}, "date", "datetime.date", False),
        ({"type": "string", "format": "date-time", "x-timezone": "UTC"}, "datetime", "datetime.datetime", False),
        ({"type": "array", "items": {"type": "integer"}}, "list", "list[int]", False),
        ({"type": "object"}, "object", "dict[str, Any]", False),
        ({}, "any", "Any", False),
        ({"type": "string", "enum": ["a", None]}, "text", "ThingValue", True),
        ({"type": "integer", "enum": [1, 2]}, "int", "ThingValue", False),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "model", "ThingValue", False),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "list",
            "list[ThingValueItem]",
            False,
        ),
    ],
)
def test_shapes(schema: Node, kind: str, annotation: str, nullable: bool) -> None:
    found = shape(schema)
    assert (found.kind, found.annotation, found.nullable) == (kind, annotation, nullable)


def test_a_name_for_a_plain_value_is_that_value() -> None:
    found = told(None, {"Text": {"type": "string", "description": "A text"}, "Thing": _one("Text")}).schemas["Thing"]
    assert found.fields[0].shape == Shape("text", "str", "A text")


def _one(name: str, **more: Any) -> Node:
    return {"type": "object", "properties": {"value": {"$ref": f"#/components/schemas/{name}", **more}}}


@pytest.mark.parametrize(
    ("schema", "description"),
    [
        ({"type": "string", "format": "uuid", "description": "An id"}, "An id (format uuid)"),
        ({"type": "integer", "minimum": 1, "maximum": 9, "default": 3}, "(server default 3, at least 1, at most 9)"),
        ({"type": "string", "pattern": "^a", "deprecated": True}, "(matches ^a, deprecated)"),
    ],
)
def test_how_a_value_looks_is_said_in_words(schema: Node, description: str) -> None:
    assert shape(schema).description == description


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "format": "date-time"}, "x-timezone has to say"),
        ({"type": "string", "format": "date-time", "x-timezone": "CST"}, "x-timezone has to say"),
        ({"type": "string", "format": "moon"}, "format moon is not supported"),
        ({"type": "string", "readOnly": True}, "readOnly is not supported, no template knows it"),
        ({"type": "file"}, "no template reads type file"),
        ({"type": ["string", "null"], "nullable": True}, "nullable and type both say that it may be null"),
        ({"type": ["string", "integer"]}, "several types at once are not supported"),
        ({"type": "array"}, "an array has to say what its items are"),
        ({"type": "array", "items": {"type": "object"}}, r"no template knows a list of dict\[str, Any\]"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "additionalProperties with a type"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "oneOf is not supported, a model is one object"),
        ({"$ref": "#/components/schemas/Gone"}, "#/components/schemas/Gone is not in the document"),
        ({"$ref": "#/components/schemas/Thing", "example": 1, "items": {}}, "items is not supported"),
        ({"type": "string", "enum": ["a", 1]}, "no template knows an enum of string"),
        ({"type": "number", "enum": [1.5]}, "no template knows an enum of number"),
        ({"type": "array", "properties": {"a": {"type": "string"}}}, "what has properties is an object"),
        ([], "a schema should be an object"),
    ],
)
def test_what_the_templates_have_no_words_for_is_an_error_with_its_place(schema: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=f"Thing/properties/value.*{message}|ThingValue.*{message}"):
        shape(schema)


def test_a_schema_tells_its_fields_required_ones_first() -> None:
    when = {"type": "string", "format": "date-time", "x-timezone": "account"}
    row = thing(
        {"When": when, "inner": {"type": "object", "properties": {"a": {}}}, "id": {"type": "integer"}},
        required=["id"],
        **{"x-envelope": "row", "description": "A row"},
    )
    assert [(field.wire, field.python, field.required) for field in row.fields] == [
        ("id", "id", True),
        ("When", "when", False),
        ("inner", "inner", False),
    ]
    assert (row.response, row.envelope, row.description) == (True, "row", "A row")
    assert (row.imports, row.zones) == (frozenset({"ThingInner"}), frozenset({"account"}))
    assert (row.has_required, row.has_rows, row.has_lists) == (True, False, False)


def test_a_schema_tells_rows_from_lists() -> None:
    rows = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    envelope = thing({"things": rows}, required=["things"])
    assert (envelope.has_required, envelope.has_rows, envelope.has_lists) == (True, True, False)
    plain = thing({"things": rows})
    assert (plain.has_required, plain.has_rows, plain.has_lists) == (False, False, True)


@pytest.mark.parametrize(
    ("properties", "more", "message"),
    [
        ({"Extra": {"type": "integer"}}, {}, "properties/Extra: extra means something else in a model"),
        ({"read_rows": {"type": "integer"}}, {}, "read_rows means something else in a model"),
        ({"optOut": {}, "opt_out": {}}, {}, "optOut and opt_out would both be opt_out; x-python-name has to rename"),
        ({"id": {}}, {"required": ["gone"]}, r"required: \['gone'\] are no properties of it"),
        ({"count": {"type": "integer"}}, {"required": ["count"]}, "properties/count: what is required in an answer"),
        ({"days": {"type": "string", "format": "date"}}, {"required": ["days"]}, "what is required in an answer"),
        ({"id": {}}, {"patternProperties": {}}, "Thing: patternProperties is not supported"),
    ],
)
def test_a_schema_that_makes_no_model_is_an_error(properties: Node, more: Node, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        thing(properties, **more)


def test_a_field_can_be_renamed() -> None:
    assert thing({"extra": {"type": "integer", "x-python-name": "more"}}).fields[0].python == "more"


def test_an_operation_tells_all_about_itself() -> None:
    (found,) = told(
        {
            "parameters": [
                {"name": "ID", "in": "path", "required": True, "schema": {"type": "integer"}},
                {
                    "name": "filters[colour]",
                    "in": "query",
                    "x-python-name": "colour",
                    "description": "By colour",
                    "schema": {"type": "string", "enum": ["red"]},
                },
                {"name": "X-Day", "in": "header", "deprecated": True, "schema": {"type": "string", "format": "date"}},
                {
                    "name": "n",
                    "in": "query",
                    "required": True,
                    "schema": {"type": "array", "items": {"type": "number"}},
                },
            ],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}}},
            "description": "At length",
            "deprecated": True,
        },
        {"Made": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        path="/things/{ID}",
    ).operations
    assert (found.id, found.module, found.method, found.tag) == ("getThing", "get_thing", "GET", "things")
    assert (found.summary, found.description, found.deprecated) == ("Get a thing", "At length", True)
    assert (found.accept, found.retry_safe, found.may_be_empty, found.body_required) == (
        "application/json",
        True,
        False,
        False,
    )
    assert [(one.wire, one.python, one.description) for one in found.in_path] == [("ID", "id", "ID")]
    assert [(one.wire, one.python, one.description) for one in found.keywords] == [
        ("n", "n", "n"),
        ("filters[colour]", "colour", "By colour"),
        ("X-Day", "x_day", "X-Day (deprecated)"),
    ]
    assert found.failures == (("404", "none"),)
    assert found.imports == ["GetThingFiltersColour", "Made", "Thing"]
    assert found.envelope is None


def test_an_operation_may_say_little() -> None:
    found = operation()
    assert (found.description, found.body, found.in_path, found.keywords) == ("Get a thing", None, (), [])
    assert found.imports == ["Thing"]


def test_parameters_of_a_path_and_by_reference_belong_to_each_of_its_operations() -> None:
    made = document({"parameters": [{"name": "b", "in": "query", "schema": {"type": "boolean"}}]})
    made["paths"]["/things"]["parameters"] = [
        {"$ref": "#/components/parameters/A"},
        {"name": "b", "in": "query", "schema": {"type": "string"}},
    ]
    made["components"]["parameters"] = {"A": {"name": "a", "in": "query", "schema": {"type": "integer"}}}
    (found,) = describe(made).operations
    assert [(one.wire, one.shape.kind) for one in found.query] == [("a", "int"), ("b", "bool")]


@pytest.mark.parametrize(
    ("responses", "accept", "kind", "empty"),
    [
        ({"200": OK, "202": OK}, "application/json", "model", False),
        ({"2XX": OK}, "application/json", "model", False),
        ({"200": OK, "204": {"description": "nothing"}}, "application/json", "model", True),
        ({"204": {"description": "nothing"}}, "application/json", None, True),
        ({"200": {"content": {"text/csv": {"schema": {"type": "string"}}}}}, "text/csv", "text", False),
    ],
)
def test_what_success_looks_like(responses: Node, accept: str, kind: str | None, empty: bool) -> None:
    made = document({"responses": responses})
    if kind != "model":
        del made["components"]["schemas"]["Thing"]
    (found,) = describe(made).operations
    assert (found.accept, found.response and found.response.kind, found.may_be_empty) == (accept, kind, empty)


def query(**changes: Any) -> Node:
    return {"parameters": [{"name": "n", "in": "query", "schema": {"type": "string"}, **changes}]}


def answer(media: str, schema: Node, **more: Any) -> Node:
    return {"responses": {"200": {"content": {media: {"schema": schema}}}, **more}}


def body(media: str, schema: Node) -> Node:
    return {"requestBody": {"content": {media: {"schema": schema}}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": []}, r"/paths/~1things/get \(getThing\): the overlay has to give it one tag"),
        ({"tags": ["a", "b"]}, "has to give it one tag"),
        ({"tags": ["A b"]}, "has to give it one tag"),
        ({"operationId": ""}, "/paths/~1things/get: it needs an operationId"),
        ({"summary": None}, "has to give it a summary"),
        ({"x-retry-safe": None}, "has to say whether it is x-retry-safe"),
        ({"security": []}, "security is not supported"),
        ({"responses": []}, "it says nothing of what it answers"),
        ({"responses": {"404": {}}}, "no answer says what success looks like"),
        ({"responses": {"302": {}}}, "302 is not supported"),
        ({"responses": {"200": {"$ref": "#/components/responses/Gone"}}}, "responses/Gone is not in the document"),
        ({"responses": {"200": {"$ref": "elsewhere.json"}}}, "elsewhere.json can't be followed"),
        ({"responses": {"200": []}}, "responses/200: should be an object"),
        ({"responses": {"200": {"content": {"application/json": {}}}}}, "it needs a schema"),
        ({"responses": {"200": {"content": {"application/json": 3}}}}, "should be an object, and is 3"),
        (answer("application/json", {"type": "array", "items": {"type": "string"}}), r"an object, not list\[str\]"),
        (answer("text/csv", {"type": "integer"}), "CSV is text, not int"),
        (answer("application/xml", {"type": "string"}), "only application/json and text/csv are read"),
        (answer("text/csv", {"type": "string"}, **{"201": OK}), "success has to look one way"),
        (answer("text/csv", {"type": "string"}, **{"204": {}}), "an export has to come with its text"),
        (query(**{"in": "cookie"}), r"parameters/0 \(n\): no template sends a parameter in cookie"),
        (query(**{"in": "header"}, name="Accept"), "the transport sends this header itself"),
        (query(style="deepObject"), "style deepObject is not supported"),
        (query(explode=False), "explode says nothing of a single value"),
        (query(allowReserved=True), "allowReserved is not supported"),
        (query(schema={}), "no template sends Any in query"),
        (query(schema={"type": "string", "nullable": True}), "null can't be sent in query"),
        (query(**{"in": "header"}, schema={"type": "array", "items": {"type": "string"}}), "in header"),
        (query(**{"in": "path"}, required=True), "the parameters in the path are not those of /things"),
        (query(**{"in": "path"}), "a parameter in the path is required"),
        (query(**{"in": "path"}, required=True, schema={"type": "boolean"}), "no template sends bool in path"),
        (query(name="client"), "an argument can't be called client; x-python-name has to rename client"),
        (query(**{"x-name-from": {"argument": "n", "replaces": "n"}}), "n and n would both be n"),
        ({"parameters": [{"name": "n", "in": "query"}]}, "a parameter without a schema is not supported"),
        ({"parameters": [{"name": "n"}]}, "a parameter needs a name and in"),
        ({"parameters": [*query()["parameters"], *query()["parameters"]]}, "n is there twice"),
        (body("multipart/form-data", {"type": "string"}), r"no template sends \['multipart/form-data'\]"),
        (body("application/json", {"type": "string"}), "a body is an object, not str"),
        (body("application/json", {"$ref": "#/components/schemas/Thing"}), "Thing: it is sent and read"),
    ],
)
def test_what_an_operation_leaves_open_is_an_error_that_names_it(changes: Node, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        operation(**changes)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (document(openapi="2.0"), "#/openapi: only OpenAPI"),
        (document(webhooks={}), "#: webhooks is not supported"),
        (document(info={"version": "1", "unheard": 1}), "#/info: unheard is not supported"),
        (
            document(None, {"Unused": {"type": "object", "properties": {}}}),
            "Unused: no request and no successful answer",
        ),
        (
            document(None, {"A": _one("B"), "B": _one("C"), "C": {"type": "object", "properties": {}}}),
            "A: no request and no successful answer",
        ),
        # Each is referred to, by the other.
        (document(None, {"A": _one("B"), "B": _one("A")}), "A: no request and no successful answer"),
        (document(None, {"Thing": _one("thing"), "thing": _one("Thing")}), "Thing and thing would be one module"),
        (
            document(
                None,
                {
                    "ThingA": {"type": "string", "enum": ["x"]},
                    "Thing": {"type": "object", "properties": {"a": {"type": "string", "enum": ["y"]}}},
                },
            ),
            "a schema ThingA is there already",
        ),
    ],
)
def test_a_document_that_holds_something_else_is_an_error(made: Node, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        describe(made)


def test_two_operations_of_one_name_are_an_error() -> None:
    made = document()
    made["paths"]["/others"] = copy.deepcopy(made["paths"]["/things"])
    with pytest.raises(ShapeError, match=r"getThing and getThing .* would be one function"):
        describe(made)


def test_a_reference_that_goes_round_is_an_error() -> None:
    round_trip = {"$ref": "#/components/responses/A"}
    made = document({"responses": {"200": round_trip}})
    made["components"]["responses"] = {"A": round_trip}
    with pytest.raises(ShapeError, match="can't be followed"):
        describe(made)


def test_a_deprecated_operation_parameter_and_field_warn_where_they_are_used() -> None:
    changes = {
        **query(deprecated=True),
        **body("application/json", {"type": "object", "properties": {"old": {"type": "string", "deprecated": True}}}),
        "deprecated": True,
    }
    files = render(document(changes))
    assert 'warn_deprecated("getThing is deprecated")' in files["api/things.py"]
    assert 'warn_deprecated("n is deprecated")' in files["api/things.py"]
    assert 'warn_deprecated("GetThingBody.old is deprecated")' in files["models/get_thing_body.py"]
    assert "Deprecated: the vendor is going to take it away." in files["api/things.py"]
