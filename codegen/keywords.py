"""Which of OpenAPI's words are read, and which are ignored, with the reason; any other is an error with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

IGNORED = {
    "title": "a name for people; ours come from the place",
    "example": "an illustration",
    "examples": "illustrations",
    "externalDocs": "a link for readers",
    "xml": "says nothing about JSON",
    "contact": "says nothing about the API",
    "license": "says nothing about the API",
    "termsOfService": "says nothing about the API",
}
"""Words that say nothing of what is sent and read, wherever they stand; so do other tools' marks (x-...)."""


class ShapeError(ValueError):
    """The document holds something that the templates have no words for; the overlay has to reshape it."""


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """An object of JSON's."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """A list of JSON's."""
    return isinstance(value, list)


def only(node: object, where: str, read: Iterable[str], ignored: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Gives the node, an object that says nothing but what is read; `ignored` has words with reasons, for here."""
    if not is_object(node):
        raise ShapeError(f"{where}: should be an object, and is {node!r}")
    known = {*read, *IGNORED, *(ignored or ())}
    for word in node:
        if word not in known and not str(word).startswith("x-"):
            raise ShapeError(
                f"{where}: {word} is not supported, no template knows it; remove it in the overlay if it may be"
            )
    return node


def below(where: str, *steps: object) -> str:
    """A place further down, as a JSON pointer."""
    return "/".join([where, *(str(step).replace("~", "~0").replace("/", "~1") for step in steps)])


def component(name: str, schema: dict[str, Any]) -> str:
    """The place of a schema among the components, and the one that it was hoisted from."""
    place = below("#/components/schemas", name)
    return f"{place} (at {schema['x-place']})" if "x-place" in schema else place


def resolved(node: Any, document: dict[str, Any], where: str) -> Any:
    """What a reference refers to, or the node itself."""
    seen: set[str] = set()
    while is_object(node) and "$ref" in node:
        reference = str(node["$ref"])
        target: Any = document
        if not reference.startswith("#/") or reference in seen:
            raise ShapeError(f"{where}: {reference} can't be followed, only a place in this document can")
        seen.add(reference)
        for step in reference.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not is_object(target) or name not in target:
                raise ShapeError(f"{where}: {reference} is not in the document")
            target = target[name]
        node = target
    return node
