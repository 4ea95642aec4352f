"""Every field of every response model is read as generously as the next one: the templates leave none out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async.lowlevel import models
from ac_sms_async.lowlevel.types import DecodeError
from codegen.overlay import apply
from codegen.render import describe, overlay
from codegen.shapes import Field, Schema, Shape
from tests.lowlevel.answers import CHICAGO

ROOT = Path(__file__).parents[2]
SCHEMAS = describe(apply(json.loads((ROOT / "openapi.json").read_text("utf-8")), overlay())).schemas
RESPONSES = [schema for schema in SCHEMAS.values() if schema.response]
FIELDS = [(schema, field) for schema in RESPONSES for field in schema.fields]
REQUIRED = [(schema, field) for schema, field in FIELDS if field.required]
OPTIONAL = [(schema, field) for schema, field in FIELDS if not field.required]

# By kind: as the document promises it, as the server may send it instead, and what nobody can read.
GOOD: dict[str, Any] = {"int": 7, "text": "7", "bool": True, "datetime": "2026-02-26T15:06:25-06:00", "model": {}}
BENT: dict[str, Any] = {"int": "7", "text": 7, "bool": "1", "datetime": " 2026-02-26T15:06:25-06:00", "model": []}
BAD: dict[str, Any] = {"int": "x", "text": True, "bool": "x", "datetime": "x", "model": "x"}


def sample(shape: Shape, values: dict[str, Any]) -> Any:
    if shape.item is None:
        return values[shape.kind]
    return [values[shape.item.kind]]


def read(schema: Schema, document: Any) -> Any:
    return getattr(models, schema.name).from_dict(document, CHICAGO)


def required(schema: Schema) -> dict[str, Any]:
    return {
        field.wire: [] if field.shape.item else sample(field.shape, GOOD) for field in schema.fields if field.required
    }


def name_of(value: Any) -> str:
    return str(getattr(value, "name", getattr(value, "wire", value)))


@pytest.mark.parametrize(("schema", "field"), OPTIONAL, ids=name_of)
def test_an_optional_field_that_comes_in_another_form_is_repaired(schema: Schema, field: Field) -> None:
    whole = {one.wire: sample(one.shape, GOOD) for one in schema.fields if not one.required} | required(schema)
    good = read(schema, whole)
    bent = read(schema, {**whole, field.wire: sample(field.shape, BENT)})
    assert good.unparsed == bent.unparsed == {}
    assert bent == good
    alone = read(schema, {**required(schema), field.wire: sample(field.shape, BENT)})
    assert alone.to_dict()[field.wire] == bent.to_dict()[field.wire] == good.to_dict()[field.wire] is not None


@pytest.mark.parametrize(("schema", "field"), OPTIONAL, ids=name_of)
def test_an_optional_field_that_nobody_can_read_stays_raw(schema: Schema, field: Field) -> None:
    bad = sample(field.shape, BAD)
    for value in (bad, {"a": bad}):
        model = read(schema, {**required(schema), field.wire: value})
        if field.shape.kind == "model" and value != bad:
            # An object with a field that the document doesn't know.
            assert model.to_dict()[field.wire]["a"] == bad
            continue
        assert model.unparsed == {field.wire: value}
        assert model.to_dict()[field.wire] is value


@pytest.mark.parametrize(("schema", "field"), OPTIONAL, ids=name_of)
def test_an_optional_field_may_be_null_or_missing(schema: Schema, field: Field) -> None:
    for document in ({}, {field.wire: None}):
        model = read(schema, {**required(schema), **document})
        assert model.unparsed == model.extra == {}
        assert model.to_dict()[field.wire] is None


@pytest.mark.parametrize(("schema", "field"), REQUIRED, ids=name_of)
def test_without_a_required_field_there_is_no_model(schema: Schema, field: Field) -> None:
    document = {name: value for name, value in required(schema).items() if name != field.wire}
    empty: list[Any] = []
    for broken in (document, {**document, "unknown": 1}, document or empty):
        with pytest.raises(DecodeError) as caught:
            read(schema, broken)
        assert caught.value.path == f"$.{field.wire}"


@pytest.mark.parametrize("schema", RESPONSES, ids=name_of)
def test_every_model_keeps_unknown_fields_and_wants_an_object(schema: Schema) -> None:
    model = read(schema, {**required(schema), "unknown": [1]})
    assert model.extra == {"unknown": [1]}
    assert model.to_dict()["unknown"] == [1]
    assert read(schema, model.to_dict()) == model
    for value in (None, "x", 5, [1]):
        with pytest.raises(DecodeError) as caught:
            read(schema, value)
        assert caught.value.path == "$"


@pytest.mark.parametrize("schema", RESPONSES, ids=name_of)
def test_every_model_is_slotted(schema: Schema) -> None:
    model = read(schema, required(schema))
    assert not hasattr(model, "__dict__")
    with pytest.raises(AttributeError):
        model.not_a_field = 1


@pytest.mark.parametrize("schema", [one for one in SCHEMAS.values() if not one.response], ids=name_of)
def test_every_request_leaves_out_what_is_unset(schema: Schema) -> None:
    needed = {field.wire: sample(field.shape, GOOD) for field in schema.fields if field.required}
    # A request's Python names come from its wire names.
    arguments = {"broadcast_id" if wire == "broadcastId" else wire: value for wire, value in needed.items()}
    assert getattr(models, schema.name)(**arguments).to_dict() == needed
