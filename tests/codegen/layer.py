"""A rendered layer, loaded from memory: that it has no undefined name, and that a round trip through it loses nothing.

What it should send and read is taken from the document by a reading of its own, so that a mistake of the generator's
isn't mirrored here.
"""

from __future__ import annotations

import builtins
import collections.abc
import importlib
import importlib.abc
import importlib.machinery
import inspect
import itertools
import symtable
import sys
import typing
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from types import CodeType, ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

import attrs

from codegen.keywords import is_list, is_object

Files = dict[str, str]
_ROOTS = itertools.count()


@lru_cache(maxsize=4096)
def _compiled(name: str, text: str) -> CodeType:
    return compile(text, f"<{name}>", "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, root: str, files: Files) -> None:
        self.root, self.files = root, files

    def _file(self, name: str) -> str | None:
        below = name.removeprefix(self.root).removeprefix(".").replace(".", "/")
        for file in (f"{below}.py", f"{below}/__init__.py".removeprefix("/")):
            if file in self.files:
                return file
        return None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.root and not fullname.startswith(f"{self.root}."):
            return None
        file = self._file(fullname)
        if file is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=file.endswith("__init__.py"))

    def exec_module(self, module: ModuleType) -> None:
        file = self._file(module.__name__)
        assert file is not None
        exec(_compiled(file, self.files[file]), vars(module))


@contextmanager
def loaded(files: Files) -> Generator[str]:
    """The layer as a package, by the name that it can be imported under."""
    root = f"rendered_layer_{next(_ROOTS)}"
    finder = _Finder(root, files)
    sys.meta_path.insert(0, finder)
    try:
        yield root
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
            del sys.modules[name]


@lru_cache(maxsize=4096)
def undefined(name: str, text: str) -> frozenset[str]:
    """Names that a file uses and neither binds nor imports. Annotations are looked at when they are evaluated."""
    top = symtable.symtable(text, name, "exec")
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    bound |= {child.get_name() for child in top.get_children()} | set(dir(builtins)) | {"__name__", "__file__"}
    # Python's own from 3.14 on, where a module has annotations below an `if`.
    bound.add("__conditional_annotations__")
    missing: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        missing |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_global() and symbol.is_referenced() and symbol.get_name() not in bound
        }
    return frozenset(missing)


def faults(files: Files, document: dict[str, Any]) -> list[str]:
    """What is wrong with a layer that was made of `document`; nothing, where all is well."""
    found: list[str] = []
    for name, text in files.items():
        if name.endswith(".py"):
            try:
                _compiled(name, text)
            except SyntaxError as error:
                return [f"{name} does not compile: {error}"]
            if missing := undefined(name, text):
                found.append(f"{name} uses undefined names: {sorted(missing)}")
    if found:
        return found
    with loaded(files) as root, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return list(_Trip(root, document).faults())
        except Exception as error:
            return [f"the layer can't be used: {type(error).__name__}: {error}"]


_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


class _Trip:
    """Calls every endpoint, and reads an answer to it, as the document says."""

    def __init__(self, root: str, document: dict[str, Any]) -> None:
        self.root, self.document = root, document
        self.operations = importlib.import_module(f"{root}.operations").OPERATIONS
        self.unset = importlib.import_module(f"{root}.unset").UNSET

    def faults(self) -> Iterator[str]:
        wanted = {
            operation["operationId"]: (method, path, item, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in _METHODS
        }
        if wanted.keys() != self.operations.keys():
            yield f"operations differ: {wanted.keys() ^ self.operations.keys()}"
            return
        for name, (method, path, item, operation) in wanted.items():
            listed = self.operations[name]
            endpoint = getattr(importlib.import_module(f"{self.root}.api.{listed.tag}"), listed.name)
            for fault in itertools.chain(
                self._request(endpoint, method, path, item, operation), self._answer(endpoint, operation)
            ):
                yield f"{name}: {fault}"

    def resolve(self, node: Any) -> Any:
        while is_object(node) and "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    # ---- Requests

    def _request(
        self, endpoint: Any, method: str, path: str, item: dict[str, Any], operation: dict[str, Any]
    ) -> Iterator[str]:
        hints = typing.get_type_hints(endpoint.request)
        parameters = {
            (one["in"], one["name"]): one
            for one in map(self.resolve, [*item.get("parameters", ()), *operation.get("parameters", ())])
        }
        signature = inspect.signature(endpoint.request).parameters
        body = self.resolve(operation.get("requestBody"))
        needed = sum(1 for one in parameters.values() if one["in"] == "path" or one.get("required"))
        needed += 1 if body is not None and body.get("required") else 0
        if needed != sum(1 for one in signature.values() if one.default is one.empty):
            yield "what is required differs"
        everything = endpoint.request(**{name: self.sample(hints[name]) for name in signature if name != "order_by"})
        if (everything.method, everything.operation_id) != (method.upper(), operation["operationId"]):
            yield "method or operationId differs"
        if len(everything.path.split("/")) != len(path.split("/")) or "{" in everything.path:
            yield f"path is {everything.path}"
        pairs = parse_qsl(everything.query, keep_blank_values=True, strict_parsing=bool(everything.query))
        sent = {name: [value for key, value in pairs if key == name] for name, _ in pairs}
        query = {name: one for (place, name), one in parameters.items() if place == "query"}
        if sent.keys() != query.keys():
            yield f"parameters differ: {sorted(sent.keys() ^ query.keys())}"
            return
        for name, one in query.items():
            schema = self.plain(one["schema"])
            many = schema.get("type") == "array"
            times = 2 if many and one.get("explode", True) else 1
            if len(sent[name]) != times:
                yield f"{name} is sent {len(sent[name])} times"
            values = sent[name] if times == 2 or not many else sent[name][0].split(",")
            item_schema = self.plain(schema["items"]) if many else schema
            if any(not _is_written(value, item_schema) for value in values):
                yield f"{name} is sent as {sent[name]}"
        headers = {name.lower() for place, name in parameters if place == "header"}
        if headers != {name.lower() for name in dict(getattr(everything, "headers", {}))}:
            yield "headers differ"
        if (body is None) != (everything.json is self.unset):
            yield "body is missing, or too much"
        elif body is not None:
            yield from self.differences(everything.json, body["content"]["application/json"]["schema"], "body")

    def sample(self, hint: Any, depth: int = 0) -> Any:
        """A value of an annotation."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            useful = [one for one in arguments if one is not NoneType and not _is_unset(one)]
            return self.sample(useful[0], depth)
        if origin is Literal:
            return arguments[0]
        if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
            return [self.sample(arguments[0], depth), self.sample(arguments[0], depth)]
        if origin in (dict, collections.abc.Mapping):
            return {"key": "value"}
        if isinstance(hint, type) and attrs.has(hint):
            hints = typing.get_type_hints(hint)
            return hint(**{one.alias: self.sample(hints[one.name], depth + 1) for one in attrs.fields(hint)})
        return _SAMPLES[hint]

    # ---- Answers

    def _answer(self, endpoint: Any, operation: dict[str, Any]) -> Iterator[str]:
        hints = typing.get_type_hints(endpoint.request)
        signature = inspect.signature(endpoint.request).parameters
        needed = {name: self.sample(hints[name]) for name, one in signature.items() if one.default is one.empty}
        decode = endpoint.request(**needed).decode
        answers = {status: self.resolve(one) for status, one in operation["responses"].items()}
        for status, answer in answers.items():
            if not status.startswith("2"):
                continue
            for media, content in answer.get("content", {}).items():
                if media == "text/csv":
                    if decode("a,b\n", UTC) != "a,b\n":
                        yield "the text is lost"
                    continue
                value = self.answer(content["schema"])
                read = decode(value, UTC)
                if read is None:
                    yield f"{status}: nothing is read"
                    continue
                yield from _leftovers(read)
                yield from self.differences(read.to_dict(), content["schema"], status)
            if not answer.get("content") and decode(None, UTC) is not None:
                yield f"{status}: something is read of nothing"

    def plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema without what says that it may be null."""
        schema = self.resolve(schema)
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                (only,) = (one for one in schema[key] if one.get("type") != "null")
                return self.plain(only)
        if isinstance(schema.get("type"), list):
            (kind,) = (one for one in schema["type"] if one != "null")
            return {**schema, "type": kind}
        return schema

    def answer(self, schema: dict[str, Any]) -> Any:
        """A value as the document describes it."""
        schema = self.plain(schema)
        if schema.get("enum"):
            return next(value for value in schema["enum"] if value is not None)
        if "properties" in schema:
            return {name: self.answer(child) for name, child in schema["properties"].items()}
        match schema.get("type"), schema.get("format"):
            case "array", _:
                return [self.answer(schema["items"]), self.answer(schema["items"])]
            case "integer", _:
                return 7
            case "number", _:
                return 1.5
            case "boolean", _:
                return True
            case "string", "date":
                return "2026-03-04"
            case "string", "date-time":
                return "2026-03-04T05:06:07+00:00"
            case "string", _:
                return schema.get("example", "text")
            case _:
                return {"key": "value"}

    def differences(self, value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
        """Where a value that was sent or written back isn't what the document describes."""
        schema = self.plain(schema)
        if "properties" in schema:
            # What the overlay adds to an object is None when the document's own answer is read.
            if (
                not is_object(value)
                or {name for name, one in value.items() if one is not None} != schema["properties"].keys()
            ):
                yield f"{where} is {value!r}"
                return
            for name, child in schema["properties"].items():
                yield from self.differences(value[name], child, f"{where}.{name}")
        elif schema.get("type") == "array":
            if not is_list(value) or len(value) != 2:
                yield f"{where} is {value!r}"
                return
            for item in value:
                yield from self.differences(item, schema["items"], f"{where}[]")
        elif not _is_value(value, schema):
            yield f"{where} is {value!r}"


_SAMPLES: dict[Any, Any] = {
    int: 7,
    str: "text",
    bool: True,
    float: 1.5,
    date: date(2026, 3, 4),
    datetime: datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    Any: {"key": "value"},
}


def _is_unset(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _is_value(value: Any, schema: dict[str, Any]) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            return type(value) is int
        case "number", _:
            return type(value) in (int, float)
        case "boolean", _:
            return type(value) is bool
        case "string", "date":
            return bool(value == "2026-03-04")
        case "string", "date-time":
            return isinstance(value, str) and value.startswith("2026-03-04T05:06:07")
        case "string", _:
            return isinstance(value, str)
        case _:
            return bool(value == {"key": "value"})


def _is_written(value: str, schema: dict[str, Any]) -> bool:
    if "enum" in schema:
        return value in map(str, schema["enum"])
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            return value == "7"
        case "number", _:
            return value == "1.5"
        case "boolean", _:
            return value == "true"
        case "string", "date":
            return value == "2026-03-04"
        case "string", "date-time":
            return value.startswith("2026-03-04T05:06:07")
        case "string", _:
            return value == "text"
        case _:
            return False


def _leftovers(model: Any) -> Iterator[str]:
    """Fields that the document knows, and the model doesn't."""
    for name in ("extra", "unparsed", "unreadable"):
        if getattr(model, name, None):
            yield f"{type(model).__name__}.{name} is {getattr(model, name)}"
    for one in attrs.fields(model.__class__):
        value = getattr(model, one.name)
        for item in value if is_list(value) else [value]:
            if hasattr(item, "to_dict"):
                yield from _leftovers(item)
