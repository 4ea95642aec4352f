"""What the templates need to know of an operation; the generator hides an operation's extensions from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codegen.shapes import Identifier, Shape, ShapeError, shape_of


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in a path or query."""

    wire: str
    python: str
    description: str
    shape: Shape
    name_from: dict[str, str] | None
    """The part of the wire name that is an argument of its own: replaces, argument, description"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the document's operations."""

    id: str
    module: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    retry_safe: bool
    empty_response: bool
    accept: str
    response: Shape
    envelope: str | None
    body: Shape | None
    in_path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]

    @property
    def imports(self) -> frozenset[str]:
        """Names of the schemas that the operation's signature mentions."""
        shapes = [self.response, *(parameter.shape for parameter in (*self.in_path, *self.query))]
        if self.body is not None:
            shapes.append(self.body)
        return frozenset[str]().union(*(shape.imports for shape in shapes))


def operations_of(document: dict[str, Any], identifier: Identifier) -> list[Operation]:
    """Every operation of the (corrected) document, by id; what it does not say about itself is an error."""
    components = document["components"]["schemas"]
    operations = [
        _operation(method.upper(), path, operation, components, identifier)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return sorted(operations, key=lambda operation: operation.id)


def _operation(
    method: str, path: str, operation: dict[str, Any], components: dict[str, Any], identifier: Identifier
) -> Operation:
    where = f"{method} {path}"
    if len(operation.get("tags", ())) != 1:
        raise ShapeError(f"{where}: the overlay has to give it one tag, the folder that it goes to")
    if not isinstance(operation.get("x-retry-safe"), bool):
        raise ShapeError(f"{where}: the overlay has to say whether it is x-retry-safe")
    accept, schema = _success(operation, where)
    response = shape_of(schema, components, f"{where} response")
    parameters = [
        (parameter["in"], _parameter(parameter, components, where, identifier))
        for parameter in operation.get("parameters", ())
    ]
    if strangers := {place for place, _ in parameters} - {"path", "query"}:
        raise ShapeError(f"{where}: no template sends a parameter in {sorted(strangers)}")
    body = operation.get("requestBody")
    return Operation(
        id=operation["operationId"],
        module=identifier(operation["operationId"]),
        tag=operation["tags"][0],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", operation["summary"]),
        retry_safe=operation["x-retry-safe"],
        empty_response=operation.get("x-empty-response", False),
        accept=accept,
        response=response,
        envelope=components.get(response.annotation, {}).get("x-envelope"),
        body=None if body is None else shape_of(body["content"]["application/json"]["schema"], components, where),
        in_path=tuple(parameter for place, parameter in parameters if place == "path"),
        query=tuple(parameter for place, parameter in parameters if place == "query"),
    )


def _parameter(parameter: dict[str, Any], components: dict[str, Any], where: str, identifier: Identifier) -> Parameter:
    wire = parameter["name"]
    return Parameter(
        wire=wire,
        python=identifier(parameter.get("x-python-name", wire)),
        description=parameter.get("description", wire),
        shape=shape_of(parameter["schema"], components, f"{where} {wire}"),
        name_from=parameter.get("x-name-from"),
    )


def _success(operation: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    for status, response in operation["responses"].items():
        if status.startswith("2") and len(response.get("content", ())) == 1:
            ((accept, content),) = response["content"].items()
            return accept, content["schema"]
    raise ShapeError(f"{where}: no response that says in one way what success looks like")
