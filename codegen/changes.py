"""What changed from one generated layer to the next, for whoever calls it: breaking changes first.

It is read from the code itself, so it says what a caller notices, whether document, overlay or templates were changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Parts = dict[str, tuple[str, bool]]
"""Of an endpoint or a model: its arguments or fields by name, each with its type and whether it has to be given."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Lines for people; the changelog wants the same ones."""

    breaking: list[str]
    other: list[str]

    def __str__(self) -> str:
        if not self.breaking and not self.other:
            return "Nothing has changed that a caller would notice."
        lines = ["Breaking changes:", *(f"- {line}" for line in self.breaking)] if self.breaking else []
        return "\n".join([*lines, *(["Changes:", *(f"- {line}" for line in self.other)] if self.other else [])])


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
    """Compares two layers, files by name."""
    old, new = _Outline(before), _Outline(after)
    breaking: list[str] = []
    other: list[str] = []
    for name in sorted(old.operations.keys() | new.operations.keys()):
        if name not in new.operations:
            breaking.append(f"operation {name} is gone")
        elif name not in old.operations:
            other.append(f"operation {name} is new: {new.operations[name]}")
        elif old.operations[name] != new.operations[name]:
            # Method, path, or whether it is sent twice: callers write the same.
            other.append(f"operation {name}: {old.operations[name]} is {new.operations[name]} now")
    for olds, news in ((old.endpoints, new.endpoints), (old.models, new.models)):
        for name in sorted(olds.keys() | news.keys()):
            if name not in news:
                breaking.append(f"{name} is gone")
            elif name not in olds:
                other.append(f"{name} is new")
            else:
                lines = list(_parts(name, olds[name], news[name], sent=name in new.sent))
                breaking += [line for line, breaks in lines if breaks]
                other += [line for line, breaks in lines if not breaks]
                if old.code[name] != new.code[name] and not lines:
                    other.append(f"{name} sends or reads it in another way")
                if "eprecated" in new.words[name] and "eprecated" not in old.words[name]:
                    other.append(f"{name} tells of something deprecated")
                elif old.words[name] != new.words[name] and not lines:
                    other.append(f"{name} is described anew")
    for name in sorted(old.enums.keys() & new.enums.keys()):
        gone, came = old.enums[name] - new.enums[name], new.enums[name] - old.enums[name]
        # Enums are open: a value that is gone can still be sent and read.
        other += [f"{name}: the value {value} is gone" for value in sorted(gone)]
        other += [f"{name}: the value {value} is new" for value in sorted(came)]
    breaking += [f"{name} is gone" for name in sorted(old.enums.keys() - new.enums.keys())]
    other += [f"{name} is new" for name in sorted(new.enums.keys() - old.enums.keys())]
    shared = [name for name in sorted(before.keys() | after.keys()) if "/" not in name and name != "operations.py"]
    other += [f"{name} is not what it was" for name in shared if before.get(name) != after.get(name)]
    return Changes(breaking, other)


def _parts(name: str, old: Parts, new: Parts, *, sent: bool) -> Iterator[tuple[str, bool]]:
    """Lines on arguments or fields, and whether they break a caller. Answers are only read, requests only made."""
    for part in sorted(old.keys() | new.keys()):
        if part not in new:
            yield f"{name}.{part} is gone", True
        elif part not in old:
            annotation, needed = new[part]
            more = ", and has to be given" if needed and sent else ""
            yield f"{name}.{part} is new: {annotation}{more}", needed and sent
        else:
            (was, was_needed), (now, now_needed) = old[part], new[part]
            if was != now:
                yield f"{name}.{part} is {now}, was {was}", True
            if was_needed != now_needed and sent:
                yield f"{name}.{part} {'has to be given now' if now_needed else 'can be left out now'}", now_needed
            elif was_needed != now_needed and was == now:
                yield f"{name}.{part} is {'always' if now_needed else 'not always'} there now", not now_needed


class _Outline:
    """What a caller sees of a layer."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.operations: dict[str, str] = {}
        self.endpoints: dict[str, Parts] = {}
        self.models: dict[str, Parts] = {}
        self.enums: dict[str, frozenset[str]] = {}
        self.sent: set[str] = set()
        """Endpoints and request models: what a caller fills in"""
        self.code: dict[str, str] = {}
        self.words: dict[str, str] = {}
        for file, text in files.items():
            if file == "operations.py":
                self._read_operations(ast.parse(text))
            elif file.startswith(("api/", "models/")) and not file.endswith("__init__.py"):
                for node in ast.parse(text).body:
                    self._read(node)

    def _read_operations(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Operation":
                values: list[Any] = [ast.literal_eval(one) for one in node.args]
                name, _, _, method, path, safe = values
                again = "may be sent again after a fault" if safe else "is never sent twice"
                self.operations[name] = f"{method} {path}, {again}"

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.words[node.name] = ast.get_docstring(node) or ""
            self.code[node.name] = "\n".join(ast.unparse(one) for one in node.body[1:])
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            self.endpoints[node.name] = _arguments(node)
            self.sent.add(node.name)
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            self.models[node.name] = {
                ast.unparse(one.target): (ast.unparse(one.annotation), one.value is None) for one in fields
            }
            if not any(isinstance(one, ast.FunctionDef) and one.name == "from_dict" for one in node.body):
                self.sent.add(node.name)
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            self.enums[ast.unparse(node.target)] = frozenset(
                repr(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant) and one.value is not None
            )


def _arguments(node: ast.FunctionDef) -> Parts:
    found: Parts = {}
    given = node.args.args
    missing = len(given) - len(node.args.defaults)
    for index, argument in enumerate(given):
        found[argument.arg] = (_annotation(argument), index < missing)
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        found[argument.arg] = (_annotation(argument), default is None)
    returns = ast.unparse(node.returns) if node.returns is not None else "None"
    found["answer"] = (returns.removeprefix("Request[").removesuffix("]"), False)
    return found


def _annotation(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation is not None else "Any"
