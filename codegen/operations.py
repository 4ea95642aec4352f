"""What the templates need to know of an operation: how it is called, and how its answer is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codegen.inline import METHODS
from codegen.keywords import ShapeError, below, component, only
from codegen.shapes import Identifier, Shape, reachable, shape_of

# Arguments and names that an endpoint works with.
_RESERVED = frozenset({"client", "body", "query", "headers", "self_", "self"})
_LISTED = frozenset({"int", "float", "text", "bool", "date"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in a path, query or header."""

    wire: str
    python: str
    description: str
    shape: Shape
    name_from: dict[str, str] | None
    """The part of the wire name that is an argument of its own: replaces, argument, description"""
    required: bool = False
    explode: bool = True
    """A list is sent as one pair an item, otherwise as one pair with commas"""
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the document's operations, its document in one form."""

    id: str
    module: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    retry_safe: bool
    accept: str
    response: Shape | None
    """None where a success has no content at all"""
    may_be_empty: bool
    """A success may come without its content"""
    envelope: str | None
    failures: tuple[tuple[str, str], ...]
    """Statuses and what the document says of them"""
    body: Shape | None
    body_required: bool
    in_path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]

    @property
    def keywords(self) -> list[Parameter]:
        """Parameters that are given by name, required ones first."""
        return sorted([*self.query, *self.headers], key=lambda parameter: not parameter.required)

    @property
    def imports(self) -> list[str]:
        """Names of the schemas that the operation's signature mentions."""
        shapes = [parameter.shape for parameter in (*self.in_path, *self.query, *self.headers)]
        shapes += [shape for shape in (self.response, self.body) if shape is not None]
        return sorted(frozenset[str]().union(*(shape.imports for shape in shapes)))


def operations_of(document: dict[str, Any], identifier: Identifier) -> list[Operation]:
    """Every operation of the (corrected) document, by id; what it does not say about itself is an error."""
    components = document["components"]["schemas"]
    operations = [
        _operation(method.upper(), path, item[method], components, identifier)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    names: dict[str, str] = {}
    for operation in operations:
        other = names.setdefault(operation.module, operation.id)
        if other != operation.id or sum(one.id == other for one in operations) > 1:
            raise ShapeError(f"#/paths: {other} and {operation.id} ({operation.path}) would be one function")
    return sorted(operations, key=lambda operation: operation.id)


def sent_schemas(operations: list[Operation], document: dict[str, Any]) -> frozenset[str]:
    """The objects that go into requests.

    One that comes back as well is an error, since answers are read generously, and so is one that nothing refers to.
    """
    components = document["components"]["schemas"]
    sent = reachable((name for one in operations if one.body for name in one.body.imports), components)
    read = reachable((name for one in operations if one.response for name in one.response.imports), components)
    asked = reachable((name for one in operations for name in one.imports), components)
    for name, schema in components.items():
        if name in sent & read and "properties" in schema:
            raise ShapeError(
                f"{component(name, schema)}: it is sent and read, and a model does one of the two; "
                "the overlay has to give the request a schema of its own"
            )
    unused = {name: reachable([name], components) for name in components if name not in sent | read | asked}
    if unused:
        # Those that it refers to go with it, so the one that comes first is one that leads to the most.
        name = max(unused, key=lambda one: len(unused[one]))
        raise ShapeError(
            f"{component(name, components[name])}: no request and no successful answer has it; "
            "the overlay has to remove it"
        )
    return sent


def _operation(
    method: str, path: str, operation: dict[str, Any], components: dict[str, Any], identifier: Identifier
) -> Operation:
    where = below("#/paths", path, method.lower())
    name = f"{where} ({operation['operationId']})"
    only(
        operation,
        name,
        ("operationId", "summary", "description", "tags", "parameters", "requestBody", "responses", "deprecated"),
    )
    if len(operation.get("tags", ())) != 1 or identifier(operation["tags"][0]).rstrip("_") != operation["tags"][0]:
        raise ShapeError(f"{name}: the overlay has to give it one tag, the module that it goes to")
    if not isinstance(operation.get("x-retry-safe"), bool):
        raise ShapeError(f"{name}: the overlay has to say whether it is x-retry-safe")
    if not isinstance(operation.get("summary"), str):
        raise ShapeError(f"{name}: the overlay has to give it a summary, its headline")
    parameters = [
        (parameter["in"], _parameter(parameter, components, below(where, "parameters", index), identifier))
        for index, parameter in enumerate(operation["parameters"])
    ]
    _names_differ([parameter for _, parameter in parameters], name)
    in_path = tuple(parameter for place, parameter in parameters if place == "path")
    if any(f"{{{parameter.wire}}}" not in path for parameter in in_path) or len(in_path) != path.count("{"):
        raise ShapeError(f"{name}: the parameters in the path are not those of {path}")
    accept, response, may_be_empty = _success(operation, components, where, name)
    body = _body(operation.get("requestBody"), components, below(where, "requestBody"))
    return Operation(
        id=operation["operationId"],
        module=identifier(operation["operationId"]),
        tag=operation["tags"][0],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", operation["summary"]),
        deprecated=operation.get("deprecated", False),
        retry_safe=operation["x-retry-safe"],
        accept=accept,
        response=response,
        may_be_empty=may_be_empty or operation.get("x-empty-response", False),
        envelope=None if response is None else components.get(response.annotation, {}).get("x-envelope"),
        failures=tuple(
            (status, only(answer, below(where, "responses", status), ("description",), _ANSWERS).get("description", ""))
            for status, answer in operation["responses"].items()
            if not status.startswith("2")
        ),
        body=body,
        body_required=operation.get("requestBody", {}).get("required", False),
        in_path=in_path,
        query=tuple(parameter for place, parameter in parameters if place == "query"),
        headers=tuple(parameter for place, parameter in parameters if place == "header"),
    )


_ANSWERS = {
    "headers": "an answer's headers are handed on whole",
    "links": "say nothing about the answer itself",
}


def _parameter(parameter: dict[str, Any], components: dict[str, Any], where: str, identifier: Identifier) -> Parameter:
    wire, place = parameter["name"], parameter["in"]
    where = f"{where} ({wire})"
    only(parameter, where, ("name", "in", "schema", "description", "required", "deprecated", "explode", "style"))
    if place not in ("path", "query", "header"):
        raise ShapeError(f"{where}: no template sends a parameter in {place}")
    if place == "header" and wire.lower() in ("accept", "content-type", "authorization", "api-token"):
        raise ShapeError(f"{where}: the transport sends this header itself; the overlay has to remove the parameter")
    if parameter.get("style", "form" if place == "query" else "simple") != ("form" if place == "query" else "simple"):
        raise ShapeError(f"{where}: style {parameter['style']} is not supported: lists are sent by pairs or by commas")
    shape = shape_of(parameter["schema"], components, where)
    plain = shape.item if shape.item is not None and place == "query" else shape
    if plain.kind not in (_LISTED if plain is not shape else _LISTED | {"datetime"}):
        raise ShapeError(f"{where}: no template sends {shape.annotation} in {place}")
    if place == "path" and shape.kind not in ("int", "text"):
        raise ShapeError(f"{where}: no template sends {shape.annotation} in {place}")
    if place == "path" and not parameter.get("required"):
        raise ShapeError(f"{where}: a parameter in the path is required, and has to say so")
    explode = parameter.get("explode", place == "query")
    if shape.item is None and explode != (place == "query"):
        raise ShapeError(f"{where}: explode says nothing of a single value; the overlay has to remove it")
    if shape.nullable:
        raise ShapeError(f"{where}: null can't be sent in {place}; the overlay has to take nullable away")
    deprecated = parameter.get("deprecated", shape.deprecated)
    description = parameter.get("description") or shape.description or wire
    notes = shape_of({**parameter["schema"], "description": description}, components, where).description
    if deprecated and "deprecated" not in notes:
        notes = f"{notes} (deprecated)"
    return Parameter(
        wire=wire,
        python=identifier(parameter.get("x-python-name", wire)),
        description=notes,
        shape=shape,
        name_from=parameter.get("x-name-from"),
        required=parameter.get("required", False),
        explode=explode,
        deprecated=deprecated,
    )


def _names_differ(parameters: list[Parameter], where: str) -> None:
    taken: dict[str, str] = {}
    for parameter in parameters:
        arguments = [parameter.python, *([parameter.name_from["argument"]] if parameter.name_from else [])]
        for argument in arguments:
            if argument in _RESERVED or argument.startswith(("_", "write_")):
                raise ShapeError(
                    f"{where}: an argument can't be called {argument}; x-python-name has to rename {parameter.wire}"
                )
            if argument in taken:
                raise ShapeError(
                    f"{where}: {taken[argument]} and {parameter.wire} would both be {argument}; "
                    "x-python-name has to rename one of them"
                )
            taken[argument] = parameter.wire


def _success(
    operation: dict[str, Any], components: dict[str, Any], where: str, name: str
) -> tuple[str, Shape | None, bool]:
    """The media type and shape of a success, and whether one may come without."""
    found: dict[tuple[str, str], Shape] = {}
    statuses, empty = 0, False
    for status, answer in operation["responses"].items():
        place = below(where, "responses", status)
        if not status.startswith(("2", "4", "5")) and status != "default":
            raise ShapeError(f"{place}: {status} is not supported: an answer is a success or an error")
        if not status.startswith("2"):
            continue
        statuses += 1
        content = only(answer, place, ("description", "content"), _ANSWERS).get("content", {})
        empty = empty or not content
        for media, one in content.items():
            here = below(place, "content", media)
            shape = shape_of(one["schema"], components, below(here, "schema"))
            if media == "application/json" and shape.kind != "model":
                raise ShapeError(f"{here} ({operation['operationId']}): an answer is an object, not {shape.annotation}")
            if media == "text/csv" and shape.kind != "text":
                raise ShapeError(f"{here} ({operation['operationId']}): CSV is text, not {shape.annotation}")
            if media not in ("application/json", "text/csv"):
                raise ShapeError(f"{here} ({operation['operationId']}): only application/json and text/csv are read")
            found[media, shape.annotation] = shape
    if not statuses:
        raise ShapeError(f"{name}: no answer says what success looks like")
    if len(found) > 1:
        raise ShapeError(f"{name}: success has to look one way, not like {sorted(found)}")
    if not found:
        return "application/json", None, True
    (((accept, _), shape),) = found.items()
    if empty and accept == "text/csv":
        raise ShapeError(f"{name}: an export has to come with its text")
    return accept, shape, empty


def _body(body: dict[str, Any] | None, components: dict[str, Any], where: str) -> Shape | None:
    if body is None:
        return None
    only(body, where, ("content", "required"), {"description": "the body's schema has its own"})
    content = body.get("content", {})
    if list(content) != ["application/json"]:
        raise ShapeError(f"{where}: no template sends {sorted(content)}, only application/json")
    shape = shape_of(content["application/json"]["schema"], components, below(where, "content", "application/json"))
    if shape.kind != "model":
        raise ShapeError(f"{where}: a body is an object, not {shape.annotation}")
    return shape
