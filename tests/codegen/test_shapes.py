"""What the templates are told of schemas and operations, and what the overlay must not leave open."""

from __future__ import annotations

from typing import Any

import pytest

from codegen.operations import operations_of
from codegen.shapes import Shape, ShapeError, schemas_of, shape_of

COMPONENTS: dict[str, Any] = {
    "Colour": {"type": "string", "enum": ["red"], "description": "A colour"},
    "Thing": {"type": "object", "properties": {"id": {"type": "integer"}}},
}


def identifier(name: str) -> str:
    return name.lower()


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        ({"type": "integer", "description": "d"}, Shape("int", "int", "d")),
        ({"type": "string", "nullable": True}, Shape("text", "str", nullable=True)),
        ({"type": "string", "format": "uri"}, Shape("text", "str")),
        ({"type": "boolean"}, Shape("bool", "bool")),
        ({"type": "string", "format": "date"}, Shape("date", "datetime.date")),
        (
            {"type": "string", "format": "date-time", "x-timezone": "UTC"},
            Shape("datetime", "datetime.datetime", zone="UTC"),
        ),
        ({"description": "anything"}, Shape("any", "Any", "anything")),
        (
            {"type": "array", "items": {"type": "integer"}},
            Shape("list", "list[int]", item=Shape("int", "int")),
        ),
        ({"$ref": "#/components/schemas/Colour"}, Shape("text", "Colour", "A colour", imports=frozenset({"Colour"}))),
        ({"$ref": "#/components/schemas/Thing"}, Shape("model", "Thing", imports=frozenset({"Thing"}))),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
            Shape(
                "list",
                "list[Thing]",
                item=Shape("model", "Thing", imports=frozenset({"Thing"})),
                imports=frozenset({"Thing"}),
            ),
        ),
    ],
)
def test_shapes(schema: dict[str, Any], shape: Shape) -> None:
    assert shape_of(schema, COMPONENTS, "here") == shape


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "enum": ["a"]}, "here: an inline enum or object has no name"),
        ({"type": "object", "properties": {}}, "here: an inline enum or object has no name"),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, r"here\[\]: an inline enum"),
        ({"type": "string", "format": "date-time"}, "here: x-timezone has to say"),
        ({"type": "string", "format": "date-time", "x-timezone": "CST"}, "here: x-timezone has to say"),
        ({"type": "number"}, "here: no template reads type number"),
        ({"$ref": "#/components/schemas/Gone"}, "here: #/components/schemas/Gone is not in the document"),
    ],
)
def test_what_the_templates_have_no_words_for_is_an_error(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        shape_of(schema, COMPONENTS, "here")


def schema_of(**schema: Any) -> Any:
    document = {"components": {"schemas": {**COMPONENTS, "Row": schema}}}
    return schemas_of(document, identifier)["Row"]


def test_a_schema_tells_its_fields_required_ones_first() -> None:
    when = {"type": "string", "format": "date-time", "x-timezone": "account"}
    row = schema_of(
        properties={"When": when, "thing": {"$ref": "#/components/schemas/Thing"}, "id": {"type": "integer"}},
        required=["id"],
        **{"x-response": True, "x-envelope": "row"},
    )
    assert [(field.wire, field.python, field.required) for field in row.fields] == [
        ("id", "id", True),
        ("When", "when", False),
        ("thing", "thing", False),
    ]
    assert (row.response, row.envelope, row.description) == (True, "row", "Row")
    assert (row.imports, row.zones) == (frozenset({"Thing"}), frozenset({"account"}))
    assert (row.has_required, row.has_rows, row.has_lists) == (True, False, False)


def test_a_schema_tells_rows_from_lists() -> None:
    things = {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
    envelope = schema_of(properties={"things": things}, required=["things"])
    assert (envelope.has_required, envelope.has_rows, envelope.has_lists) == (True, True, False)
    plain = schema_of(properties={"things": things})
    assert (plain.has_required, plain.has_rows, plain.has_lists) == (False, False, True)
    assert plain.response is False


def test_enums_are_no_schemas() -> None:
    assert list(schemas_of({"components": {"schemas": COMPONENTS}}, identifier)) == ["Thing"]


def test_a_field_that_means_something_else_in_a_model_has_to_be_renamed() -> None:
    with pytest.raises(ShapeError, match=r"Row: \['extra'\] means something else in a model"):
        schema_of(properties={"Extra": {"type": "integer"}})
    assert schema_of(properties={"extra": {"type": "integer", "x-python-name": "more"}}).fields[0].python == "more"


OPERATION: dict[str, Any] = {
    "operationId": "getThing",
    "summary": "Get a thing",
    "tags": ["things"],
    "x-retry-safe": True,
    "responses": {
        "404": {"description": "none"},
        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
    },
}


def operations(**changes: Any) -> Any:
    document = {"paths": {"/things": {"get": {**OPERATION, **changes}}}, "components": {"schemas": COMPONENTS}}
    return operations_of(document, identifier)


def test_an_operation_tells_all_about_itself() -> None:
    (operation,) = operations(
        parameters=[
            {"name": "ID", "in": "path", "schema": {"type": "integer"}},
            {
                "name": "filters[colour]",
                "in": "query",
                "x-python-name": "colour",
                "description": "By colour",
                "schema": {"$ref": "#/components/schemas/Colour"},
            },
        ],
        requestBody={"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        description="At length",
        **{"x-empty-response": True},
    )
    assert (operation.id, operation.module, operation.method, operation.tag) == (
        "getThing",
        "getthing",
        "GET",
        "things",
    )
    assert (operation.summary, operation.description) == ("Get a thing", "At length")
    assert (operation.accept, operation.retry_safe, operation.empty_response) == ("application/json", True, True)
    assert [(one.wire, one.python, one.description) for one in operation.in_path] == [("ID", "id", "ID")]
    assert [(one.wire, one.python, one.description) for one in operation.query] == [
        ("filters[colour]", "colour", "By colour")
    ]
    assert operation.imports == {"Thing", "Colour"}
    assert operation.envelope is None


def test_an_operation_may_say_little() -> None:
    (operation,) = operations()
    assert (operation.description, operation.body, operation.in_path, operation.query) == ("Get a thing", None, (), ())
    assert operation.imports == {"Thing"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": []}, "GET /things: the overlay has to give it one tag"),
        ({"tags": ["a", "b"]}, "GET /things: the overlay has to give it one tag"),
        ({"x-retry-safe": None}, "GET /things: the overlay has to say whether it is x-retry-safe"),
        ({"responses": {"404": {}}}, "GET /things: no response that says"),
        ({"responses": {"204": {"description": "nothing"}}}, "GET /things: no response that says"),
        (
            {"parameters": [{"name": "h", "in": "header", "schema": {"type": "string"}}]},
            r"GET /things: no template sends a parameter in \['header'\]",
        ),
        (
            {"parameters": [{"name": "n", "in": "query", "schema": {"type": "number"}}]},
            "GET /things n: no template reads type number",
        ),
    ],
)
def test_what_an_operation_leaves_open_is_an_error_that_names_it(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        operations(**changes)
