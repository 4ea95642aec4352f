"""Applies an OpenAPI Overlay 1.0 to a document; a target that selects nothing is an error."""

from __future__ import annotations

import copy
import re
from typing import Any, TypeGuard

Place = tuple[Any, Any]  # a container and the key or index of the selected value in it

# The JSONPath that overlay.yaml needs: .name  ['name']  .*  [*]  [0]  [?(@.key=='value')]
_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_$][\w$-]*)
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | (?P<every>\.\*|\[\*\])
      | \[(?P<index>\d+)\]
      | \[\?\(?\s*@\.(?P<key>[\w-]+)\s*==\s*'(?P<value>[^']*)'\s*\)?\]""",
    re.VERBOSE,
)


class OverlayError(ValueError):
    """The overlay does not fit the document: a target selects nothing, or an update contradicts what is there."""


def apply(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Gives a copy of `document` with every action of `overlay` applied, in order."""
    if not str(overlay.get("overlay", "")).startswith("1.0"):
        raise OverlayError("not an OpenAPI Overlay 1.0 document")
    root = {"$": copy.deepcopy(document)}
    for action in overlay["actions"]:
        target = action["target"]
        places = _select(root, target)
        if not places:
            raise OverlayError(f"{target} selects nothing in the document")
        if "update" in action and action.get("remove"):
            raise OverlayError(f"{target}: an action either updates or removes")
        if "update" in action:
            for container, key in places:
                _update(container, key, action["update"], target)
        elif action.get("remove"):
            # From the end, so that the indexes of one list stay true.
            for container, key in reversed(places):
                del container[key]
        else:
            raise OverlayError(f"{target}: an action needs update or remove")
    return root["$"]


def _select(root: dict[str, Any], target: str) -> list[Place]:
    if not target.startswith("$"):
        raise OverlayError(f"{target}: a target starts with $")
    places: list[Place] = [(root, "$")]
    position = 1
    while position < len(target):
        step = _STEP.match(target, position)
        if step is None:
            raise OverlayError(f"{target}: cannot read {target[position:]!r}")
        position = step.end()
        places = [place for container, key in places for place in _children(container[key], step)]
    return places


def _children(node: Any, step: re.Match[str]) -> list[Place]:
    name = step["name"] if step["name"] is not None else step["quoted"]
    if name is not None:
        return [(node, name)] if _is_object(node) and name in node else []
    if step["index"] is not None:
        index = int(step["index"])
        return [(node, index)] if _is_list(node) and index < len(node) else []
    keys: list[Any] = list(node) if _is_object(node) else list(range(len(node))) if _is_list(node) else []
    if step["key"] is not None:
        keys = [key for key in keys if _is_object(node[key]) and node[key].get(step["key"]) == step["value"]]
    return [(node, key) for key in keys]


def _update(container: Any, key: Any, update: Any, target: str) -> None:
    node = container[key]
    if _is_list(node):
        node.append(copy.deepcopy(update))
    elif _is_object(node) and _is_object(update):
        _merge(node, update, target)
    else:
        raise OverlayError(f"{target}: only an object merges into an object")


def _merge(node: dict[str, Any], update: dict[str, Any], path: str) -> None:
    for key, value in update.items():
        old: object = node.get(key)
        if _is_object(old) and _is_object(value):
            _merge(old, value, f"{path}.{key}")
        elif isinstance(old, dict | list) or (old is not None and isinstance(value, dict | list)):
            # Overlay 1.0 leaves it open whether lists are joined or replaced.
            raise OverlayError(f"{path}.{key} is there already: remove it first")
        else:
            node[key] = copy.deepcopy(value)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
