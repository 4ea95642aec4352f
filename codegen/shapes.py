"""What the templates need to know of a schema: its kind, its annotation, its time zone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from codegen.keywords import ShapeError, below, component, only

_PLAIN = {
    "integer": ("int", "int"),
    "number": ("float", "float"),
    "string": ("text", "str"),
    "boolean": ("bool", "bool"),
}
_DATES = {"date-time": ("datetime", "datetime.datetime"), "date": ("date", "datetime.date")}

# Formats that say how a value looks, and change nothing about how it is sent and read.
_FORMATS = {
    "string": [
        *("uri", "url", "email", "uuid", "phone", "password"),
        *("hostname", "ipv4", "ipv6", "time", "duration"),
    ],
    "integer": ["int32", "int64"],
    "number": ["float", "double"],
}
# The server checks these; here they are words for the reader.
_BOUNDS = {
    "default": "server default {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "without repeats: {}",
}

Identifier = Callable[[str], str]
"""Makes a wire name a Python name."""

# What every model has beside its fields, and the names that its module and methods work with.
RESERVED = frozenset(
    {
        *("extra", "unparsed", "unreadable", "from_dict", "from_envelope", "to_dict"),
        *("cls", "self", "self_", "data", "zone", "raw", "get", "item", "result", "row", "rows", "read_row"),
        *("field", "define", "itemgetter", "unknown_fields", "unwrapped", "warn_deprecated"),
    }
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One value in the document."""

    kind: str
    """int, float, text, bool, datetime, date, object, any, list or model"""
    annotation: str
    description: str = ""
    nullable: bool = False
    zone: str | None = None
    """What a date-time without an offset means: account or UTC"""
    item: Shape | None = None
    """The shape of a list's items"""
    imports: frozenset[str] = frozenset()
    """Names of the schemas that the annotation mentions"""
    deprecated: bool = False


def shape_of(schema: dict[str, Any], components: dict[str, Any], where: str) -> Shape:
    """Tells the shape of a schema or reference; `where` names it in errors."""
    if "$ref" in schema:
        return _referenced(schema, components, where)
    kind = schema.get("type")
    words = ("type", "description", "nullable", "deprecated", "format", "items", "x-timezone", *_BOUNDS)
    if kind == "object" or kind is None:
        only(schema, where, ("type", "description", "nullable", "deprecated", "additionalProperties"))
        if not isinstance(schema.get("additionalProperties", True), bool):
            raise ShapeError(f"{where}: additionalProperties with a type is not supported: no template reads a map")
    else:
        only(schema, where, words)
    nullable, deprecated = schema.get("nullable", False), schema.get("deprecated", False)
    description = _described(schema, schema.get("description", ""), where)
    if kind is None:
        return Shape("any", "Any", description, nullable, deprecated=deprecated)
    if kind == "object":
        return Shape("object", "dict[str, Any]", description, nullable, deprecated=deprecated)
    if kind == "array":
        if "items" not in schema:
            raise ShapeError(f"{where}: an array has to say what its items are")
        item = shape_of(schema["items"], components, below(where, "items"))
        if item.kind in ("list", "any", "object", "datetime"):
            raise ShapeError(f"{where}: no template knows a list of {item.annotation}")
        if "$ref" not in schema["items"] and item.description:
            description = f"{description}, each {item.description.strip('()')}".lstrip(", ")
        return Shape(
            *("list", f"list[{item.annotation}]", description, nullable),
            item=item,
            imports=item.imports,
            deprecated=deprecated,
        )
    if kind == "string" and schema.get("format") in _DATES:
        name, annotation = _DATES[schema["format"]]
        zone = schema.get("x-timezone")
        if name == "datetime" and zone not in ("account", "UTC"):
            raise ShapeError(f"{where}: x-timezone has to say what a date-time without an offset means, account or UTC")
        return Shape(name, annotation, description, nullable, zone, deprecated=deprecated)
    if not isinstance(kind, str) or kind not in _PLAIN:
        raise ShapeError(f"{where}: no template reads type {kind}")
    name, annotation = _PLAIN[kind]
    return Shape(name, annotation, description, nullable, deprecated=deprecated)


def _described(schema: dict[str, Any], description: str, where: str) -> str:
    """The description with what the schema says about how a value looks."""
    notes: list[str] = []
    form = schema.get("format")
    if form is not None and form not in _DATES:
        if form not in _FORMATS.get(str(schema.get("type")), ()):
            raise ShapeError(f"{where}: format {form} is not supported: no template knows what it looks like")
        notes.append(f"format {form}")
    notes += [
        words.format(json.dumps(schema[word]) if word != "pattern" else schema[word])
        for word, words in _BOUNDS.items()
        if word in schema
    ]
    if schema.get("deprecated"):
        notes.append("deprecated")
    return f"{description} ({', '.join(notes)})".strip() if notes else description


def _referenced(schema: dict[str, Any], components: dict[str, Any], where: str) -> Shape:
    prefix, _, name = schema["$ref"].rpartition("/")
    if prefix != "#/components/schemas" or name not in components:
        raise ShapeError(f"{where}: {schema['$ref']} is not in the document")
    target = components[name]
    own: dict[str, Any] = {word: schema[word] for word in ("description", "deprecated") if word in schema}
    description = _described(own, own.get("description", target.get("description", "")), where)
    nullable = schema.get("nullable", target.get("nullable", False))
    if "enum" not in target and "properties" not in target:
        plain = shape_of(target, components, where)
        return Shape(
            *(plain.kind, plain.annotation, description or plain.description, nullable, plain.zone),
            *(plain.item, plain.imports, own.get("deprecated", False)),
        )
    kind = "model" if "properties" in target else _enum_kind(target, component(name, target))
    return Shape(
        *(kind, name, description, nullable), imports=frozenset({name}), deprecated=own.get("deprecated", False)
    )


def _enum_kind(schema: dict[str, Any], where: str) -> str:
    only(schema, where, ("type", "enum", "description", "nullable", "deprecated"))
    kind, values = schema.get("type"), schema["enum"]
    wanted = {"string": str, "integer": int}.get(str(kind))
    if wanted is None or not values or any(type(value) is not wanted for value in values):
        raise ShapeError(f"{where}: no template knows an enum of {kind}: {values}")
    return _PLAIN[str(kind)][0]


@dataclass(frozen=True, slots=True)
class Field:
    """One property of an object."""

    wire: str
    python: str
    required: bool
    shape: Shape


@dataclass(frozen=True, slots=True)
class Schema:
    """An object among the document's components, with its extensions."""

    name: str
    description: str
    response: bool
    envelope: str | None
    fields: tuple[Field, ...]
    """Required ones first: they have no default"""

    @property
    def imports(self) -> frozenset[str]:
        """Names of the schemas that its fields mention."""
        return frozenset[str]().union(*(field.shape.imports for field in self.fields)) - {self.name}

    @property
    def has_required(self) -> bool:
        """It is of no use without one of its fields; without any, its fields may all be missing."""
        return any(field.required for field in self.fields)

    @property
    def zones(self) -> frozenset[str]:
        """What its date-times without an offset mean."""
        return frozenset(field.shape.zone for field in self.fields if field.shape.zone is not None)

    @property
    def has_lists(self) -> bool:
        """Some field is a list, and no envelope's rows."""
        return any(not field.required and field.shape.kind == "list" for field in self.fields)

    @property
    def has_rows(self) -> bool:
        """An envelope around rows, of which some may be unreadable."""
        return any(field.required and field.shape.kind == "list" for field in self.fields)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum among the components."""

    name: str
    description: str
    kind: str
    values: tuple[str | int, ...]


def enums_of(document: dict[str, Any]) -> dict[str, Enumeration]:
    """Every enum among the components, by name."""
    return {
        name: Enumeration(
            *(name, _described({**schema, "type": None}, schema.get("description", name), name)),
            *(_enum_kind(schema, component(name, schema)), tuple(schema["enum"])),
        )
        for name, schema in document["components"]["schemas"].items()
        if "enum" in schema
    }


def schemas_of(
    document: dict[str, Any], identifier: Identifier, sent: frozenset[str] = frozenset()
) -> dict[str, Schema]:
    """Every object among the components, by name; `sent` are those that go into requests, all others are answers."""
    components = document["components"]["schemas"]
    modules: dict[str, str] = {}
    for name in components:
        other = modules.setdefault(identifier(name), name)
        if other != name:
            raise ShapeError(f"#/components/schemas: {other} and {name} would be one module")
    return {
        name: _schema(name, schema, components, identifier, response=name not in sent)
        for name, schema in components.items()
        if "properties" in schema
    }


def reachable(names: Iterable[str], components: dict[str, Any]) -> frozenset[str]:
    """The components that these refer to, themselves included."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name in components:
            found.add(name)
            schema = components[name]
            nodes = [schema, *schema.get("properties", {}).values()]
            nodes += [node.get("items", {}) for node in nodes]
            waiting += [node["$ref"].rpartition("/")[2] for node in nodes if "$ref" in node]
    return frozenset(found)


def _schema(
    name: str, schema: dict[str, Any], components: dict[str, Any], identifier: Identifier, *, response: bool
) -> Schema:
    where = component(name, schema)
    words = ("type", "properties", "required", "description", "x-envelope")
    only(schema, where, words, {"nullable": "said where it is used", "deprecated": "said where it is used"})
    if schema.get("type", "object") != "object":
        raise ShapeError(f"{where}: what has properties is an object, and not of type {schema['type']}")
    required = schema.get("required", [])
    if strangers := set(required) - schema["properties"].keys():
        raise ShapeError(f"{where}/required: {sorted(strangers)} are no properties of it")
    fields: list[Field] = []
    taken: dict[str, str] = {}
    for wire, child in schema["properties"].items():
        place = below(where, "properties", wire)
        field = Field(
            wire=wire,
            python=identifier(child.get("x-python-name", wire)),
            required=wire in required,
            shape=shape_of(child, components, place),
        )
        if field.python in RESERVED or field.python.startswith(("_", "read_")):
            raise ShapeError(f"{place}: {field.python} means something else in a model; x-python-name has to rename it")
        if field.python in taken:
            raise ShapeError(
                f"{place}: {taken[field.python]} and {wire} would both be {field.python}; "
                "x-python-name has to rename one of them"
            )
        taken[field.python] = wire
        if response and field.required and not _may_be_required(field):
            raise ShapeError(
                f"{place}: what is required in an answer is what the object is of no use without, its id or its rows; "
                "the overlay has to take it out of required"
            )
        fields.append(field)
    return Schema(
        name=name,
        description=schema.get("description", name),
        response=response,
        envelope=schema.get("x-envelope"),
        fields=tuple(sorted(fields, key=lambda field: not field.required)),
    )


def _may_be_required(field: Field) -> bool:
    shape = field.shape
    if shape.kind in ("int", "text"):
        return field.python == "id" or field.python.endswith("_id")
    return shape.kind == "model" or (shape.item is not None and shape.item.kind == "model")
