"""Only public names of other libraries: what `transport/` takes from them by name, and by attribute."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ac_sms_async

TRANSPORT = Path(ac_sms_async.__file__).parent / "transport"
FILES = sorted(TRANSPORT.rglob("*.py"))


def private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def own_names(tree: ast.AST) -> set[str]:
    """The private names that a file makes itself: functions, classes, slots, attributes of `self`, assigned ones."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_ours(node.value):
            names.add(node.attr)
    return names


def _is_ours(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "view", "cls")


def foreign_private_names(source: str) -> Iterator[str]:
    """Private names that the file uses and doesn't make, its modules' names included."""
    tree = ast.parse(source)
    own = own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in [*modules, *(alias.name for alias in node.names)]:
                if not (modules and modules[0].startswith("ac_sms_async")) and any(map(private, name.split("."))):
                    yield name
        elif isinstance(node, ast.Attribute) and private(node.attr) and node.attr not in own:
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr"):
            yield from (str(a.value) for a in node.args if isinstance(a, ast.Constant) and private(str(a.value)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars":
            yield "vars"


def foreign_names(source: str) -> set[str]:
    """All names of other libraries: what is imported of them, and what is looked up on their modules."""
    tree = ast.parse(source)
    modules: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(("ac_sms_async", "__")):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            value = node.value.id
            if value in modules or value == "module":
                names.add(f"{value}.{node.attr}")
    return {name for name in names if name.split(".")[0] not in sys.stdlib_module_names - {"asyncio", "ssl"}}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TRANSPORT)))
def test_no_private_name_of_another_library(path: Path) -> None:
    assert list(foreign_private_names(path.read_text())) == []


def test_the_names_that_are_used() -> None:
    """So that one more is a decision. `module` is httpx or httpx2."""
    used = set[str]().union(*(foreign_names(path.read_text()) for path in FILES if path.parent.name == "backends"))
    assert {name for name in used if name.startswith(("httpx.", "module.", "httptools."))} == {
        "httptools.HttpParserError",
        "httptools.HttpParserUpgrade",
        "httptools.HttpResponseParser",
        "httpx.AsyncBaseTransport",
        "httpx.AsyncClient",
        "httpx.InvalidURL",
        "httpx.Proxy",
        "httpx.Request",
        "httpx.Response",
        "httpx.URL",
        "httpx.create_ssl_context",
        "module.AsyncByteStream",
        "module.AsyncHTTPTransport",
        "module.ConnectError",
        "module.ConnectTimeout",
        "module.HTTPError",
        "module.Limits",
        "module.PoolTimeout",
        "module.ProxyError",
        "module.ReadTimeout",
        "module.StreamError",
        "module.WriteTimeout",
    }


@pytest.mark.parametrize(
    "source",
    [
        "import httpcore._async",
        "from anyio._core import _tasks",
        "from h11 import _state",
        "connection._request_lock = 1",
        "x = transport._pool",
        "setattr(transport, '_pool', 1)",
        "getattr(connection, '_connection')",
        "vars(loop)['_transports']",
    ],
)
def test_the_check_sees_a_private_name(source: str) -> None:
    assert list(foreign_private_names(source))
