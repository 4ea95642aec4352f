"""The smallest valid answer of every operation, made from the document alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.faults.http11 import Answer, Request

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8"))
PREFIX = "/api/3"
CSV = 'id,name,sends\r\n42,Sale,3\r\n43,"Spring, again",4\r\n44,"two\nlines",5\r\n'

READING_POSTS = frozenset(
    {"getBroadcastMetrics", "getBroadcastSnapshotByIds", "exportBroadcastMetrics", "exportBroadcastRecipients"}
)
"""POSTs that change nothing: the document doesn't say so, people have to."""


@frozen
class Operation:
    """An operation as the document has it."""

    operation_id: str
    method: str
    path: str
    status: int
    accept: str
    schema: dict[str, Any]

    @property
    def writes(self) -> bool:
        return self.method != "GET" and self.operation_id not in READING_POSTS

    @property
    def streams(self) -> bool:
        return self.accept == "text/csv"

    def matches(self, method: str, path: str) -> bool:
        mine, theirs = (PREFIX + self.path).split("/"), path.split("/")
        pairs = zip(mine, theirs, strict=False)
        return method == self.method and len(mine) == len(theirs) and all(a == b or a[:1] == "{" for a, b in pairs)


def _operations() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for path, item in DOCUMENT["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method not in item:
                continue
            operation = item[method]
            status, answer = next((s, a) for s, a in operation["responses"].items() if s.startswith("2"))
            accept, content = next(iter(answer["content"].items()))
            found[operation["operationId"]] = Operation(
                operation["operationId"], method.upper(), path, int(status), accept, content.get("schema", {})
            )
    return found


OPERATIONS = _operations()


def example(schema: dict[str, Any], name: str = "") -> Any:
    """A small value that the schema allows."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
    if "enum" in schema:
        return schema["enum"][-1]
    if "example" in schema:
        return schema["example"]
    match schema.get("type"):
        case "object":
            return {key: example(value, key) for key, value in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"])]
        case "integer":
            return 42
        case "boolean":
            return True
        case _:
            return _text(schema.get("format", ""), name)


def _text(form: str, name: str) -> Any:
    if name == "deleted_at":
        return None
    return {
        "date-time": "2026-01-05T10:00:00Z",
        "uuid": "9d3f2a53-29e8-4a5c-9b52-0a4f41f0a3a1",
        "uri": "https://example.com/a.png",
    }.get(form, "text")


VALUES: dict[str, Any] = {name: example(op.schema) for name, op in OPERATIONS.items() if not op.streams}
"""A small valid answer of every operation that answers JSON."""


def which(request: Request) -> Operation:
    """The operation that a request is for; literal paths come before those with parameters."""
    fitting = [op for op in OPERATIONS.values() if op.matches(request.method, request.path)]
    return min(fitting, key=lambda op: op.path.count("{"))


async def minimal(request: Request) -> Answer:
    """The upstream: one row of everything, and an empty page beyond it."""
    operation = which(request)
    if operation.streams:
        return Answer(CSV.encode(), operation.status, "text/csv", chunked=True)
    value = VALUES[operation.operation_id]
    if request.number("offset", 0) > 0:
        value = {key: [] if isinstance(rows, list) else rows for key, rows in value.items()}
    return Answer.of(value, operation.status)
