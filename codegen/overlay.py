"""Applies an OpenAPI Overlay 1.0 to a document, with words of our own, so that no action hides what the vendor changes.

    x-was       what stands there in the document that the action was written for: all of it, or for an update the
                values that it replaces. Where something else stands, it fails. Alone it only holds the document to it.
    x-ignores   in place of x-was at a removal: why it doesn't matter what stands there
    x-optional  the target may select nothing
    x-hoist     moves what is selected to the components, under this name, and refers to it there; places that are
                hoisted under one name have to hold the same

A target that selects nothing is an error, and so is an update that the document has made already.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from codegen.keywords import is_list, is_object

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
_WORDS = frozenset({"target", "description", "update", "remove", "x-was", "x-ignores", "x-optional", "x-hoist"})

# What is said of a place, and not of what it holds: these stay beside the reference when a schema is hoisted.
OF_THE_PLACE = ("description", "nullable", "deprecated")

# Headlines are ours throughout: a new wording of the vendor's changes nothing.
_OURS = frozenset({"summary"})


# One of these makes a property of its own; without, something is said of one that is there.
_SAYS_WHAT = frozenset({"type", "$ref"})


class OverlayError(ValueError):
    """The overlay does not fit the document: a target selects nothing, or what it replaces is something else now."""


def apply(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Gives a copy of `document` with every action of `overlay` applied, in order."""
    if not str(overlay.get("overlay", "")).startswith("1.0"):
        raise OverlayError("not an OpenAPI Overlay 1.0 document")
    root = {"$": copy.deepcopy(document)}
    for action in overlay["actions"]:
        try:
            _act(root, action)
        except OverlayError as error:
            raise OverlayError(f"{error}{_origin(root['$'], action['target'])}") from None
    return root["$"]


def _origin(document: dict[str, Any], target: str) -> str:
    """Where the vendor's document has what the target speaks of, if it was hoisted."""
    name = re.match(r"\$\.components\.schemas\.(\w+)", target)
    schema: dict[str, Any] = (
        document.get("components", {}).get("schemas", {}).get(name[1], {}) if name is not None else {}
    )
    return f" (hoisted from {schema['x-place']})" if "x-place" in schema else ""


def _act(root: dict[str, Any], action: dict[str, Any]) -> None:
    target = action["target"]
    if unknown := action.keys() - _WORDS:
        raise OverlayError(f"{target}: an action knows nothing of {sorted(unknown)}")
    if sum(key in action for key in ("update", "remove", "x-hoist")) > 1:
        raise OverlayError(f"{target}: an action does one thing: update, remove or x-hoist")
    places = _select(root, target)
    if not places and not action.get("x-optional"):
        raise OverlayError(
            f"{target} selects nothing in the document: the vendor moved, renamed or removed it, or put it right"
        )
    if "update" in action:
        for container, key in places:
            _update(container, key, action["update"], action.get("x-was", {}), target)
        return
    if "x-was" in action:
        for container, key in places:
            _hold(container[key], action["x-was"], target)
    if "x-hoist" in action:
        for container, key in places:
            hoist(root["$"], container, key, action["x-hoist"], target)
    elif action.get("remove"):
        if "x-was" not in action and "x-ignores" not in action:
            raise OverlayError(f"{target}: what is removed has to be said: x-was, or x-ignores with a reason")
        # From the end, so that the indexes of one list stay true.
        for container, key in reversed(places):
            del container[key]
    elif "x-was" not in action:
        raise OverlayError(f"{target}: an action needs update, remove, x-hoist or x-was")


def hoist(document: dict[str, Any], container: Any, key: Any, name: str, where: str) -> None:
    """Moves a schema to the components, under `name`; what is said of the place stays there."""
    schema = container[key]
    if not is_object(schema) or "$ref" in schema:
        raise OverlayError(f"{where}: only a schema that stands there itself can become {name}")
    # Of an item the place says nothing: the words are the schema's own.
    kept = {word: schema[word] for word in OF_THE_PLACE if word in schema and key != "items"}
    moved = {word: value for word, value in schema.items() if word not in kept}
    there = document["components"]["schemas"].setdefault(name, {**moved, "x-place": where})
    if {word: value for word, value in there.items() if word not in (*OF_THE_PLACE, "x-place")} != moved:
        other = there.get("x-place", f"#/components/schemas/{name}")
        raise OverlayError(f"{where} and {other} are not the same any more, and can't both be {name}")
    container[key] = {"$ref": f"#/components/schemas/{name}", **kept}


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
        return [(node, name)] if is_object(node) and name in node else []
    if step["index"] is not None:
        index = int(step["index"])
        return [(node, index)] if is_list(node) and index < len(node) else []
    keys: list[Any] = list(node) if is_object(node) else list(range(len(node))) if is_list(node) else []
    if step["key"] is not None:
        keys = [key for key in keys if is_object(node[key]) and node[key].get(step["key"]) == step["value"]]
    return [(node, key) for key in keys]


def _update(container: Any, key: Any, update: Any, was: Any, target: str) -> None:
    node = container[key]
    if is_list(node):
        node.append(copy.deepcopy(update))
    elif is_object(node) and is_object(update):
        _merge(node, update, was, target)
    else:
        raise OverlayError(f"{target}: only an object merges into an object")


def _merge(node: dict[str, Any], update: dict[str, Any], was: dict[str, Any], path: str) -> None:
    for name in was.keys() - update.keys():
        raise OverlayError(f"{path}: x-was says something of {name}, which the update leaves alone")
    for name, value in update.items():
        here = f"{path}.{name}"
        old: object = node.get(name)
        if name in was:
            _hold(old, was[name], here)
        elif is_object(old) and is_object(value):
            _merge(old, value, {}, here)
            continue
        elif name == "properties" and name not in node and is_object(value):
            # One by one, so that words about a property that is gone don't make it anew.
            _merge(node.setdefault(name, {}), value, {}, here)
            continue
        elif name not in node and path.endswith(".properties") and is_object(value) and not _SAYS_WHAT & value.keys():
            raise OverlayError(f"{here} is not in the document any more: there is nothing to say of it")
        elif name in node and name not in _OURS and old == value:
            raise OverlayError(f"{here}: the document says so itself now: take it out of the action")
        elif name in node and name not in _OURS:
            raise OverlayError(f"{here} is there already, as {_json(old)}: x-was has to say what the update replaces")
        node[name] = copy.deepcopy(value)


def _hold(found: object, was: object, where: str) -> None:
    if found != was:
        raise OverlayError(
            f"{where} was {_json(was)} when the overlay was written, and is {_json(found)} now: "
            "look what that changes, and say so in the action"
        )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
