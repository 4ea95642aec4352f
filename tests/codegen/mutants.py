"""Every single change of a list of kinds, at every place of the vendor's document where it fits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from codegen.keywords import is_list, is_object

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Path = tuple[Any, ...]
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: its kind, the place it is made at, and words of which an error has to say one."""

    kind: str
    place: Path
    words: tuple[str, ...]
    change: Callable[[Any], object]

    def __str__(self) -> str:
        return f"{self.kind} at {pointer(self.place)}"

    def of(self, document: Node) -> Node:
        """The document with this change."""
        changed = copy.deepcopy(document)
        self.change(at(changed, self.place))
        return changed


def pointer(place: Path) -> str:
    """A place as a JSON pointer."""
    return "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in place)


def at(document: Any, place: Path) -> Any:
    """What stands at a place."""
    for step in place:
        document = document[step]
    return document


def mutants(document: Node) -> Iterator[Mutant]:
    """All of them, in the document's order."""
    yield from _whole(document)
    for path, item in document["paths"].items():
        yield from _path(path)
        for method in METHODS:
            if method in item:
                yield from _operation(item[method], ("paths", path, method), (path, item[method]["operationId"]))
    for name, schema in document["components"]["schemas"].items():
        yield from _component(name)
        yield from _object(schema, ("components", "schemas", name), (name,))


def _schemas_in(node: Any) -> set[str]:
    """Names of the schemas that something refers to."""
    if is_object(node):
        own = {str(node["$ref"]).rpartition("/")[2]} if "$ref" in node else set[str]()
        return own.union(*map(_schemas_in, node.values()))
    return set[str]().union(*map(_schemas_in, node)) if is_list(node) else set()


def _set(**values: Any) -> Callable[[Node], object]:
    fresh = {key.replace("__", "-"): value for key, value in values.items()}
    return lambda node: node.update(copy.deepcopy(fresh))


def _drop(*keys: str) -> Callable[[Node], object]:
    def change(node: Node) -> None:
        for key in keys:
            del node[key]

    return change


def _only(**values: Any) -> Callable[[Node], object]:
    """In the place of what says what a schema is."""

    def change(node: Node) -> None:
        for key in ("type", "format", "enum", "items", "properties", "required", "$ref", "default", "example"):
            node.pop(key, None)
        node.update(copy.deepcopy(values))

    return change


def _renamed(node: Node, old: str, new: str) -> None:
    """The same key under another name, in the same place among the others."""
    items = [(new if key == old else key, value) for key, value in node.items()]
    node.clear()
    node.update(items)


def _whole(document: Node) -> Iterator[Mutant]:
    url = document["servers"][0]["url"]
    api = ("components", "securitySchemes", "ApiToken")
    yield Mutant("move the server", ("servers", 0), ("servers",), _set(url=url.replace("/api/3", "/api/4")))
    yield Mutant("add a server", (), ("servers",), lambda node: node["servers"].append({"url": "https://x/api/3"}))
    yield Mutant("remove the servers", (), ("servers",), _drop("servers"))
    yield Mutant("remove security", (), ("security",), _drop("security"))
    yield Mutant("add a security scheme", (), ("security",), lambda node: node["security"].append({"Basic": []}))
    yield Mutant("rename the token's header", api, ("ApiToken", "security"), _set(name="X-Token"))
    yield Mutant("retype the token", api, ("ApiToken", "security"), lambda node: _only(type="http")(node))
    yield Mutant("new version", ("info",), ("version",), _set(version="4.0.0"))
    yield Mutant("new title", ("info",), ("title",), _set(title="Another"))
    yield Mutant("new contact", ("info",), ("contact",), _set(contact={"name": "Somebody"}))
    yield Mutant("new document key", (), ("tags",), _set(tags=[{"name": "Credits"}]))
    yield Mutant("another tool's mark", ("info",), ("x-mark",), _set(x__mark=1))
    yield Mutant("unknown component kind", ("components",), ("links",), _set(links={"a": {"operationId": "x"}}))
    yield Mutant("OpenAPI 3.1", (), ("openapi",), _set(openapi="3.1.0"))
    yield Mutant("OpenAPI 2", (), ("openapi", "swagger"), _set(openapi="2.0"))


def _path(path: str) -> Iterator[Mutant]:
    place = ("paths", path)
    shared = {"name": "shared", "in": "query", "schema": {"type": "boolean"}}
    yield Mutant("rename a path", ("paths",), (path,), lambda node: _renamed(node, path, f"{path}/v2"))
    yield Mutant("parameter on a path", place, (path,), _set(parameters=[shared]))
    yield Mutant("required header on a path", place, (path,), _set(parameters=[{**shared, "in": "header"}]))
    yield Mutant("servers on a path", place, (path,), _set(servers=[{"url": "https://elsewhere"}]))
    yield Mutant("mark on a path", place, (path,), _set(x__mark={"a": 1}))
    yield Mutant("words on a path", place, (path,), _set(summary="Words"))
    yield Mutant("add an operation", place, (path, "patchIt"), _add_operation)
    yield Mutant("unknown method on a path", place, (path,), _set(head={"operationId": "headIt", "responses": {}}))


def _add_operation(item: Node) -> None:
    one = copy.deepcopy(next(value for key, value in item.items() if key in METHODS))
    item["patch"] = {**one, "operationId": "patchIt"}


def _operation(operation: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    method, path = place[-1], place[-2]
    words = (*words, *(parameter["name"] for parameter in operation.get("parameters", ())), *_schemas_in(operation))

    def here(kind: str, change: Callable[[Any], object], *more: Any) -> Mutant:
        return Mutant(kind, (*place, *more), words, change)

    above = ("paths", path)
    yield Mutant("remove an operation", above, words, _drop(method))
    yield Mutant("change the method", above, words, lambda item: _renamed(item, method, "patch"))
    yield here("rename an operation", _set(operationId="anotherName"))
    yield here("take the operationId away", _drop("operationId"))
    yield here("deprecate an operation", _set(deprecated=True))
    yield here("new summary", _set(summary="Other words"))
    yield here("take the summary away", _drop("summary"))
    yield here("new description", _set(description="Other words"))
    yield here("other tags", _set(tags=["Elsewhere"]))
    yield here("security of its own", _set(security=[]))
    yield here("servers of its own", _set(servers=[{"url": "https://elsewhere"}]))
    yield here("callbacks", _set(callbacks={"done": {}}))
    yield here("mark on an operation", _set(x__other={"a": 1}))
    yield here("unknown keyword on an operation", _set(unheard=True))
    for kind, parameter in NEW_PARAMETERS.items():
        yield here(f"add a parameter: {kind}", _append_parameter(parameter))
    yield from _answers(operation, place, words)
    yield from _body(operation, place, words)
    for index, parameter in enumerate(operation.get("parameters", ())):
        yield from _parameter(parameter, (*place, "parameters", index), (*words, parameter["name"]))


NEW_PARAMETERS: dict[str, Node] = {
    "boolean": {"name": "archived", "in": "query", "schema": {"type": "boolean"}},
    "integer": {"name": "page", "in": "query", "schema": {"type": "integer"}},
    "number": {"name": "ratio", "in": "query", "schema": {"type": "number"}},
    "date-time": {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}},
    "enum": {"name": "mood", "in": "query", "schema": {"type": "string", "enum": ["good", "bad"]}},
    "integers": {"name": "ids[]", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
    "booleans": {"name": "flags", "in": "query", "schema": {"type": "array", "items": {"type": "boolean"}}},
    "numbers": {"name": "rates", "in": "query", "schema": {"type": "array", "items": {"type": "number"}}},
    "dates": {
        "name": "days",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string", "format": "date"}},
    },
    "comma list": {
        "name": "fields",
        "in": "query",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "string"}},
    },
    "pipe list": {
        "name": "fields",
        "in": "query",
        "style": "pipeDelimited",
        "schema": {"type": "array", "items": {"type": "string"}},
    },
    "objects": {
        "name": "filters",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
    },
    "untyped": {"name": "anything", "in": "query", "schema": {}},
    "required": {"name": "needed", "in": "query", "required": True, "schema": {"type": "string"}},
    "required list": {
        "name": "needed[]",
        "in": "query",
        "required": True,
        "schema": {"type": "array", "items": {"type": "integer"}},
    },
    "header": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
    "required header": {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "integer"}},
    "cookie": {"name": "crumb", "in": "cookie", "schema": {"type": "string"}},
    "content": {"name": "json", "in": "query", "content": {"application/json": {"schema": {"type": "string"}}}},
    "reference": {"$ref": "#/components/parameters/Shared"},
    "broken reference": {"$ref": "#/components/parameters/Gone"},
    "twin of limit": {"name": "Limit", "in": "query", "schema": {"type": "integer"}},
    "named client": {"name": "client", "in": "query", "schema": {"type": "string"}},
    "named body": {"name": "body", "in": "query", "schema": {"type": "string"}},
    "named query": {"name": "query", "in": "query", "schema": {"type": "string"}},
    "a keyword": {"name": "from", "in": "query", "schema": {"type": "string"}},
    "deprecated": {"name": "old", "in": "query", "deprecated": True, "schema": {"type": "string"}},
}


def _append_parameter(parameter: Node) -> Callable[[Node], object]:
    def change(operation: Node) -> None:
        operation.setdefault("parameters", []).append(copy.deepcopy(parameter))

    return change


def _answers(operation: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    place = (*place, "responses")
    success = next(status for status in operation["responses"] if status.startswith("2"))
    ((media, content),) = operation["responses"][success]["content"].items()

    def at_success(kind: str, change: Callable[[Any], object], *more: Any) -> Mutant:
        return Mutant(kind, (*place, success, *more), words, change)

    def here(kind: str, change: Callable[[Any], object]) -> Mutant:
        return Mutant(kind, place, words, change)

    nothing = {"description": "Nothing"}
    other: Node = {"description": "Other", "content": {media: {"schema": {"type": "object", "properties": {"a": {}}}}}}
    yield here("answers 204 instead", lambda node: (node.pop(success), node.update({"204": nothing})))
    yield here("answers 204 as well", lambda node: node.update({"204": nothing}))
    yield here("answers 202 as well", lambda node: node.update({"202": copy.deepcopy(node[success])}))
    yield here("another success answer", lambda node: node.update({"202": other}))
    yield here("success by range", lambda node: _renamed(node, success, "2XX"))
    yield here("no success answer", lambda node: node.pop(success))
    yield here("answer by reference", lambda node: node.update({success: {"$ref": "#/components/responses/Gone"}}))
    yield here("new error answer", lambda node: node.update({"409": {"description": "In conflict"}}))
    yield here("error answer with a body", lambda node: node.update({"409": {**other, "description": "In conflict"}}))
    yield here("default answer", lambda node: node.update({"default": {"description": "Anything"}}))
    yield here("redirect", lambda node: node.update({"302": {"description": "Elsewhere"}}))
    for status in operation["responses"]:
        if not status.startswith("2"):
            yield here("remove an error answer", _drop(status))
            body = {"application/json": {"schema": {"type": "object", "properties": {"message": {"type": "string"}}}}}
            yield Mutant("body of an error answer", (*place, status), words, _set(content=body))
            yield Mutant("new words for an error answer", (*place, status), words, _set(description="Other words"))
    yield at_success("new words for an answer", _set(description="Other words"))
    yield at_success("headers on an answer", _set(headers={"X-A": {"schema": {"type": "string"}}}))
    yield at_success("answer without content", _drop("content"))
    yield at_success("second content type", _set(**{"application/xml": content}), "content")
    yield at_success("other content type", lambda node: _renamed(node, media, "application/xml"), "content")
    yield at_success("content type with a charset", lambda node: _renamed(node, media, f"{media}; a=b"), "content")
    array = {"type": "array", "items": content["schema"]}
    yield at_success("array answer", _set(schema=array), "content", media)
    yield at_success("answer is text", _set(schema={"type": "string"}), "content", media)
    yield at_success("answer is anything", _set(schema={}), "content", media)
    both = {"oneOf": [content["schema"], {"type": "object", "properties": {"b": {"type": "integer"}}}]}
    yield at_success("answer is one of two", _set(schema=both), "content", media)
    inline = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    yield at_success("inline answer", _set(schema=inline), "content", media)


def _body(operation: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    schema: Node = {"type": "object", "properties": {"flag": {"type": "boolean"}}, "required": ["flag"]}
    body = operation.get("requestBody")
    if body is None:
        new = {"required": True, "content": {"application/json": {"schema": schema}}}
        yield Mutant("add a body", place, words, _set(requestBody=new))
        return
    here = (*place, "requestBody")
    content = (*here, "content", "application/json")
    yield Mutant("remove the body", place, words, _drop("requestBody"))
    yield Mutant("optional body", here, words, _set(required=False))
    yield Mutant("words on a body", here, words, _set(description="Words"))
    yield Mutant("body by reference", place, words, _set(requestBody={"$ref": "#/components/requestBodies/Gone"}))
    yield Mutant(
        "multipart body",
        (*here, "content"),
        words,
        lambda node: _renamed(node, "application/json", "multipart/form-data"),
    )
    yield Mutant("second body type", (*here, "content"), words, _set(**{"text/csv": {"schema": {"type": "string"}}}))
    yield Mutant("body is a list", content, words, _set(schema={"type": "array", "items": {"type": "integer"}}))
    yield Mutant("body is one of two", content, words, _set(schema={"oneOf": [schema, {"type": "object"}]}))
    yield Mutant("body is anything", content, words, _set(schema={}))
    yield Mutant("another body", content, words, _set(schema=schema))
    if "$ref" not in body["content"]["application/json"]["schema"]:
        yield from _object(body["content"]["application/json"]["schema"], (*content, "schema"), words)


def _parameter(parameter: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    index, name = place[-1], parameter["name"]

    def here(kind: str, change: Callable[[Any], object], *more: Any) -> Mutant:
        return Mutant(kind, (*place, *more), words, change)

    yield Mutant("remove a parameter", place[:-1], words, lambda node: node.pop(index))
    yield here("rename a parameter", _set(name=f"{name}_new"))
    yield here("require a parameter" if not parameter.get("required") else "un-require a parameter", _require)
    yield here("deprecate a parameter", _set(deprecated=True))
    yield here("new description of a parameter", _set(description="Other words"))
    yield here("explode the other way", _set(explode=parameter["in"] == "path"))
    yield here("another style", _set(style="deepObject"))
    yield here("allowReserved", _set(allowReserved=True))
    yield here("move to the headers", _set(**{"in": "header"}))
    yield here("example on a parameter", _set(example="x"))
    yield from _value(parameter["schema"], (*place, "schema"), words)


def _require(parameter: Node) -> None:
    parameter["required"] = not parameter.get("required", False)


TYPES: dict[str, Node] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "format": "binary"},
    "integers": {"type": "array", "items": {"type": "integer"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "booleans": {"type": "array", "items": {"type": "boolean"}},
    "dates": {"type": "array", "items": {"type": "string", "format": "date"}},
    "lists": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    "strings": {"type": "array", "items": {"type": "string"}},
    "enum": {"type": "string", "enum": ["one", "two"]},
    "integer enum": {"type": "integer", "enum": [1, 2]},
    "object": {"type": "object", "properties": {"first": {"type": "integer"}, "second": {"type": "string"}}},
    "objects": {"type": "array", "items": {"type": "object", "properties": {"first": {"type": "integer"}}}},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "free object": {"type": "object"},
    "anything": {},
    "nullable by type": {"type": ["string", "null"]},
    "one of two": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    "null or text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "object of two": {"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {}}]},
    "all of": {"allOf": [{"type": "object", "properties": {"a": {}}}]},
}


def _value(schema: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    """Of a parameter or property."""
    words = (*words, *_schemas_in(schema))
    for name, wanted in TYPES.items():
        if {key: schema.get(key) for key in ("type", "format", "items")} != {
            key: wanted.get(key) for key in ("type", "format", "items")
        } or ("enum" in schema) != ("enum" in wanted):
            yield Mutant(f"retype to {name}", place, words, _only(**wanted))
    yield Mutant("make nullable" if not schema.get("nullable") else "make not nullable", place, words, _nullable)
    yield Mutant("bound the length", place, words, _set(maxLength=160))
    yield Mutant("bound the number", place, words, _set(minimum=1))
    yield Mutant("give a pattern", place, words, _set(pattern="^a"))
    yield Mutant("read only", place, words, _set(readOnly=True))
    yield Mutant("new title of a value", place, words, _set(title="Title"))
    yield Mutant("unknown keyword on a value", place, words, _set(unheard=True))
    if schema.get("type") == "string" and "enum" not in schema:
        yield Mutant("new format", place, words, _set(format="email"))
        yield Mutant("unheard-of format", place, words, _set(format="moon-phase"))
    if "default" in schema:
        yield Mutant("new default", place, words, _set(default=50))
    elif schema.get("type") == "integer":
        yield Mutant("give a default", place, words, _set(default=1))
    holder, spot = (schema, place) if "enum" in schema else (schema.get("items", {}), (*place, "items"))
    if "enum" in holder:
        yield Mutant("add an enum value", spot, words, lambda node: node["enum"].append("brand_new"))
        yield Mutant("remove an enum value", spot, words, lambda node: node["enum"].pop())
        yield Mutant("no enum any more", spot, words, _drop("enum"))
    if "properties" in holder or "properties" in schema:
        inner, where = (schema, place) if "properties" in schema else (holder, (*place, "items"))
        yield from _object(inner, where, words)


def _nullable(schema: Node) -> None:
    schema["nullable"] = not schema.get("nullable", False)


def _component(name: str) -> Iterator[Mutant]:
    above = ("components", "schemas")
    yield Mutant("remove a schema", above, (name,), _drop(name))
    yield Mutant("rename a schema", above, (name,), lambda node: _renamed(node, name, f"{name}New"))
    yield Mutant("add a schema", above, ("Brand", name), lambda node: node.update({f"Brand{name}": dict(node[name])}))


def _object(schema: Node, place: Path, words: tuple[str, ...]) -> Iterator[Mutant]:
    spot = (*place, "properties")
    yield Mutant("forbid other properties", place, words, _set(additionalProperties=False))
    yield Mutant("type other properties", place, words, _set(additionalProperties={"type": "integer"}))
    yield Mutant("new words for a schema", place, words, _set(description="Other words"))
    for name, wanted in TYPES.items():
        yield Mutant(f"add a property: {name}", spot, (*words, "brand_new"), _set(brand_new=wanted))
    yield Mutant("add a property called extra", spot, (*words, "extra"), _set(extra={"type": "string"}))
    yield Mutant("add a property called to_dict", spot, (*words, "to_dict"), _set(to_dict={"type": "string"}))
    yield Mutant("add a property called self", spot, (*words, "self"), _set(self={"type": "string"}))
    yield Mutant("add a property that is a keyword", spot, (*words, "class"), _set(**{"class": {"type": "string"}}))
    yield Mutant("add a deprecated property", spot, words, _set(old={"type": "string", "deprecated": True}))
    for name, child in schema.get("properties", {}).items():
        said = (*words, name)
        yield Mutant("remove a property", place, said, partial(_remove_property, name=name))
        yield Mutant("rename a property", place, said, partial(_rename_property, name=name))
        yield Mutant("require a property", place, said, partial(_require_property, name=name))
        yield Mutant("add a twin", spot, said, _set(**{_twin(name): {"type": "string"}}))
        if "$ref" in child:
            yield Mutant("refer to another schema", (*spot, name), said, lambda node: node.update(_elsewhere(node)))
            continue
        yield Mutant("deprecate a property", (*spot, name), said, _set(deprecated=True))
        yield Mutant("new description of a property", (*spot, name), said, _set(description="Other words"))
        yield Mutant("example on a property", (*spot, name), said, _set(example=[]))
        yield from _value(child, (*spot, name), said)


def _elsewhere(node: Node) -> Node:
    other = "CreditsResponse" if not node["$ref"].endswith("CreditsResponse") else "BroadcastList"
    return {"$ref": f"#/components/schemas/{other}"}


def _twin(name: str) -> str:
    """Another wire name that would get the same Python name."""
    return name.title() if name.islower() and "_" not in name else "".join(_words(name))


def _words(name: str) -> list[str]:
    if "_" in name:
        first, *rest = name.split("_")
        return [first, *(part.title() for part in rest)]
    return ["_" + letter.lower() if letter.isupper() else letter for letter in name]


def _remove_property(schema: Node, name: str) -> None:
    del schema["properties"][name]
    if name in schema.get("required", ()):
        schema["required"] = [one for one in schema["required"] if one != name]


def _rename_property(schema: Node, name: str) -> None:
    _renamed(schema["properties"], name, f"{name}_new")
    if name in schema.get("required", ()):
        schema["required"] = [f"{one}_new" if one == name else one for one in schema["required"]]


def _require_property(schema: Node, name: str) -> None:
    required = list(schema.get("required", ()))
    required.remove(name) if name in required else required.append(name)
    schema["required"] = required
    if not required:
        del schema["required"]
