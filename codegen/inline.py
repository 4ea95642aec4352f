"""Brings a corrected document into one form: null said in one way, nothing by reference but schemas, each object and
enum among the components, named after its place where the overlay gives it no name.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from codegen.keywords import ShapeError, below, component, is_list, is_object, only, resolved
from codegen.overlay import OF_THE_PLACE, hoist

METHODS = ("get", "put", "post", "delete", "patch")

# What each kind of component is called where it is used; schemas are read by shapes.py.
_COMPONENTS = ("schemas", "parameters", "requestBodies", "responses", "securitySchemes")

ClassName = Callable[[str], str]
"""Makes words a class name."""


def in_one_form(document: dict[str, Any], class_name: ClassName) -> dict[str, Any]:
    """Gives the document in that form; what it holds beside what is read is an error."""
    document = copy.deepcopy(document)
    only(
        document,
        "#",
        ("openapi", "info", "paths", "components"),
        {
            "servers": "held by the overlay",
            "security": "held by the overlay",
            "tags": "chapters of the vendor's documentation",
        },
    )
    if not str(document.get("openapi", "")).startswith(("3.0.", "3.1.")):
        raise ShapeError("#/openapi: only OpenAPI 3.0 and 3.1 are supported")
    only(document.get("info"), "#/info", ("version",), {"description": "the layer says what it is itself"})
    components = only(document.get("components"), "#/components", _COMPONENTS)
    form = _Form(document, class_name)
    for name in list(components.setdefault("schemas", {})):
        form.schema(components["schemas"], name, component(name, components["schemas"][name]), name, top=True)
    for path, item in document["paths"].items():
        form.path(item, below("#/paths", path))
    return document


class _Form:
    def __init__(self, document: dict[str, Any], class_name: ClassName) -> None:
        self.document, self.class_name = document, class_name
        self.named: set[str] = set(document["components"]["schemas"])

    def path(self, item: Any, where: str) -> None:
        words = {"summary": "each operation has its own", "description": "each operation has its own"}
        only(item, where, (*METHODS, "parameters"), words)
        shared = self._parameters(item.pop("parameters", []), below(where, "parameters"))
        for method in METHODS:
            if method in item:
                self._operation(item[method], below(where, method), shared)

    def _parameters(self, parameters: Any, where: str) -> dict[tuple[str, str], Any]:
        found: dict[tuple[str, str], Any] = {}
        for index, parameter in enumerate(parameters):
            place = below(where, index)
            one = resolved(parameter, self.document, place)
            if not is_object(one) or "name" not in one or "in" not in one:
                raise ShapeError(f"{place}: a parameter needs a name and in")
            key = one["in"], one["name"]
            if key in found:
                raise ShapeError(f"{place}: {one['name']} is there twice")
            found[key] = copy.deepcopy(one)
        return found

    def _operation(self, operation: Any, where: str, shared: dict[tuple[str, str], Any]) -> None:
        if not is_object(operation) or not operation.get("operationId"):
            raise ShapeError(f"{where}: it needs an operationId, which its function is named after")
        name = self.class_name(operation["operationId"])
        own = self._parameters(operation.get("parameters", []), below(where, "parameters"))
        operation["parameters"] = list(({key: copy.deepcopy(one) for key, one in shared.items()} | own).values())
        for index, parameter in enumerate(operation["parameters"]):
            place = below(where, "parameters", index)
            if "schema" not in parameter:
                raise ShapeError(f"{place} ({parameter['name']}): a parameter without a schema is not supported")
            self.schema(
                parameter, "schema", f"{place} ({parameter['name']})", name + self.class_name(parameter["name"])
            )
        if "requestBody" in operation:
            place = below(where, "requestBody")
            operation["requestBody"] = copy.deepcopy(resolved(operation["requestBody"], self.document, place))
            self._content(operation["requestBody"], place, f"{name}Body")
        if not is_object(operation.get("responses")):
            raise ShapeError(f"{where}: it says nothing of what it answers")
        for status in operation["responses"]:
            place = below(where, "responses", status)
            answer = copy.deepcopy(resolved(operation["responses"][status], self.document, place))
            if status.startswith("2"):
                self._content(answer, place, f"{name}Response")
            else:
                # Errors are read as they come, whatever their bodies are.
                answer.pop("content", None)
            operation["responses"][status] = answer

    def _content(self, holder: Any, where: str, name: str) -> None:
        if not is_object(holder):
            raise ShapeError(f"{where}: should be an object")
        for media, content in holder.get("content", {}).items():
            place = below(where, "content", media)
            if only(content, place, ("schema",)).get("schema") is None:
                raise ShapeError(f"{place}: it needs a schema")
            self.schema(content, "schema", below(place, "schema"), name)

    def schema(self, holder: Any, key: Any, where: str, name: str, *, top: bool = False) -> None:
        """Brings holder[key] and all below it into form; `name` is what an object that stands there is called."""
        schema = holder[key] = _plain(holder[key], where)
        if "$ref" in schema:
            only(schema, where, ("$ref", *OF_THE_PLACE), {"default": "the server's business"})
            return
        for child in schema.get("properties", {}) if is_object(schema.get("properties")) else ():
            self.schema(
                schema["properties"], child, below(where, "properties", child), name + self.class_name(str(child))
            )
        if "items" in schema:
            self.schema(schema, "items", below(where, "items"), f"{name}Item")
        if not top and ("properties" in schema or "enum" in schema):
            if name in self.named:
                raise ShapeError(
                    f"{where}: a schema {name} is there already; the overlay has to name this one (x-hoist)"
                )
            self.named.add(name)
            hoist(self.document, holder, key, name, where)


def _plain(given: Any, where: str) -> dict[str, Any]:
    """A schema with null said by `nullable`, and without the wrapper around a single one."""
    if not is_object(given):
        raise ShapeError(f"{where}: a schema should be an object, and is {given!r}")
    schema: dict[str, Any] = given
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            choices = [one for one in schema[word] if one != {"type": "null"}]
            if len(choices) != 1 or not is_object(choices[0]):
                raise ShapeError(
                    f"{where}: {word} is not supported, a model is one object; the overlay has to choose one"
                )
            rest = {name: value for name, value in schema.items() if name != word}
            if len(choices) != len(schema[word]):
                rest["nullable"] = True
            return _plain({**choices[0], **rest}, where)
    if is_list(schema.get("type")):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        if len(kinds) != 1:
            raise ShapeError(f"{where}: several types at once are not supported: {schema['type']}")
        nullable: dict[str, Any] = {"nullable": True} if "null" in schema["type"] else {}
        if nullable and "nullable" in schema:
            raise ShapeError(f"{where}: nullable and type both say that it may be null; the overlay has to drop one")
        schema = {**schema, "type": kinds[0], **nullable}
    values = schema.get("enum")
    if is_list(values) and None in values:
        schema = {**schema, "enum": [value for value in values if value is not None], "nullable": True}
    return schema
