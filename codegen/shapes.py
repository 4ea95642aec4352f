"""What the templates need to know of a schema: its kind, its annotation, its time zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PLAIN = {"integer": ("int", "int"), "string": ("text", "str"), "boolean": ("bool", "bool")}
_DATES = {"date-time": ("datetime", "datetime.datetime"), "date": ("date", "datetime.date")}

Identifier = Callable[[str], str]
"""Makes a wire name a Python name."""

# What every model has beside its fields, and the names that its methods work with.
RESERVED = frozenset(
    {
        *("extra", "unparsed", "unreadable", "from_dict", "from_envelope", "to_dict"),
        *("cls", "self", "data", "zone", "raw", "get", "item", "row", "rows", "read_row"),
    }
)


class ShapeError(ValueError):
    """The document holds something that the templates have no words for; the overlay has to reshape it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One value in the document."""

    kind: str
    """int, text, bool, datetime, date, any, list or model"""
    annotation: str
    description: str = ""
    nullable: bool = False
    zone: str | None = None
    """What a date-time without an offset means: account or UTC"""
    item: Shape | None = None
    """The shape of a list's items"""
    imports: frozenset[str] = frozenset()
    """Names of the schemas that the annotation mentions"""


def shape_of(schema: dict[str, Any], components: dict[str, Any], where: str) -> Shape:
    """Tells the shape of a schema or reference; `where` names it in errors."""
    if "$ref" in schema:
        return _referenced(schema["$ref"], components, where)
    description, nullable = schema.get("description", ""), schema.get("nullable", False)
    if "enum" in schema or "properties" in schema:
        raise ShapeError(f"{where}: an inline enum or object has no name; hoist it into a component")
    kind = schema.get("type")
    if kind is None:
        return Shape("any", "Any", description)
    if kind == "array":
        item = shape_of(schema["items"], components, f"{where}[]")
        return Shape("list", f"list[{item.annotation}]", description, nullable, item=item, imports=item.imports)
    if kind == "string" and schema.get("format") in _DATES:
        name, annotation = _DATES[schema["format"]]
        zone = schema.get("x-timezone")
        if name == "datetime" and zone not in ("account", "UTC"):
            raise ShapeError(f"{where}: x-timezone has to say what a date-time without an offset means")
        return Shape(name, annotation, description, nullable, zone)
    if kind not in _PLAIN:
        raise ShapeError(f"{where}: no template reads type {kind}")
    name, annotation = _PLAIN[kind]
    return Shape(name, annotation, description, nullable)


def _referenced(reference: str, components: dict[str, Any], where: str) -> Shape:
    name = reference.rpartition("/")[2]
    if name not in components:
        raise ShapeError(f"{where}: {reference} is not in the document")
    target = components[name]
    kind = "text" if "enum" in target else "model"
    return Shape(kind, name, target.get("description", ""), imports=frozenset({name}))


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


def schemas_of(document: dict[str, Any], identifier: Identifier) -> dict[str, Schema]:
    """Every object among the components, by name."""
    components = document["components"]["schemas"]
    return {
        name: _schema(name, schema, components, identifier)
        for name, schema in components.items()
        if "properties" in schema
    }


def _schema(name: str, schema: dict[str, Any], components: dict[str, Any], identifier: Identifier) -> Schema:
    required = schema.get("required", ())
    fields = [
        Field(
            wire=wire,
            python=identifier(child.get("x-python-name", wire)),
            required=wire in required,
            shape=shape_of(child, components, f"{name}.{wire}"),
        )
        for wire, child in schema["properties"].items()
    ]
    if taken := {field.python for field in fields} & RESERVED:
        raise ShapeError(f"{name}: {sorted(taken)} means something else in a model; x-python-name has to rename it")
    return Schema(
        name=name,
        description=schema.get("description", name),
        response=schema.get("x-response", False),
        envelope=schema.get("x-envelope"),
        fields=tuple(sorted(fields, key=lambda field: not field.required)),
    )
