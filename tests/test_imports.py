"""Who may know whom: the arrows between the parts of the package, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

import ac_sms_async

ROOT = Path(ac_sms_async.__file__).parent
HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "h11", "httptools", "aiohttp", "requests", "urllib3"}

MECHANISMS = {"async_only", "polling", "paging", "batching", "downloads", "tasks"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "segments": set(),
    "lowlevel": set(),
    "models": {"lowlevel"},
    "options": {"errors"},
    "sandbox": set(),
    "version": set(),
    "deadline": set(),
    "line": {"deadline"},
    "budget": {"errors", "line", "options"},
    "transport": {"budget", "deadline", "errors", "line", "options", "lowlevel", "tasks", "version"},
    "async_only": set(),
    "tasks": {"errors"},
    "paging": {"async_only", "errors", "options", "tasks"},
    "batching": {"async_only", "errors", "options", "tasks"},
    "polling": {"errors", "options"},
    "downloads": {"errors", "tasks"},
    "private_file": {"errors"},
    "resources": {"errors", "options", "lowlevel", "models", "transport", *MECHANISMS},
    "client": {"errors", "options", "lowlevel", "transport", "resources"},
    "otel": {"errors", "transport", "version"},
}
"""What each part may import of ours at run time. A part that isn't named here stands above the client."""

ABOVE_THE_CLIENT = {"", "__main__", "collect", "cli", "dlt", "fleet"}


def part_of(path: Path) -> str:
    """The part of the package that a file belongs to: "" for the package itself."""
    part = path.relative_to(ROOT).with_suffix("").parts[0]
    return "" if part == "__init__" else part


def imports(path: Path, *, types: bool = False) -> Iterator[str]:
    """The modules a file imports when its code runs; with `types` those for the type checker alone, too."""
    package = ".".join(["ac_sms_async", *path.relative_to(ROOT).parent.parts])
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if not types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))


def ours(path: Path) -> set[str]:
    """The other parts of the package that a file imports; a public name counts as `client`, which it comes with."""
    names = {name for name in imports(path) if name.startswith("ac_sms_async.")}
    parts = {name.split(".")[1] for name in names}
    known = {part_of(file) for file in ROOT.rglob("*.py")}
    return {part if part in known else "client" for part in parts} - {part_of(path)}


FILES = sorted(ROOT.rglob("*.py"))


def test_every_part_below_the_client_is_named() -> None:
    parts = {part_of(path) for path in FILES}
    assert parts <= set(ALLOWED) | ABOVE_THE_CLIENT
    assert set(ALLOWED) <= parts


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_part_may_know(path: Path) -> None:
    part = part_of(path)
    if part in ABOVE_THE_CLIENT:
        return
    assert ours(path) <= ALLOWED[part]


def modules() -> dict[str, Path]:
    """The package's modules by name; the generated ones, which import each other alone, are left out."""
    found: dict[str, Path] = {}
    for path in FILES:
        relative = path.relative_to(ROOT.parent).with_suffix("")
        if "lowlevel" not in relative.parts:
            found[".".join(relative.parts).removesuffix(".__init__")] = path
    return found


def circles(imported: dict[str, set[str]]) -> list[str]:
    """Chains of modules that come back to their first one, found by taking away what imports nothing any more."""
    left: dict[str, set[str]] = dict(imported)
    found: list[str] = []
    while True:
        while ready := {module for module, names in left.items() if not names & left.keys()}:
            left = {module: names for module, names in left.items() if module not in ready}
        if not left:
            return found
        chain = [min(left)]
        while chain[-1] not in chain[:-1]:
            chain.append(min(left[chain[-1]] & left.keys()))
        circle = chain[chain.index(chain[-1]) :]
        found.append(" -> ".join(circle))
        left = {module: names for module, names in left.items() if module not in circle}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Types included: what two modules need of each other belongs into one of them, or into a third."""
    known = modules()
    imported: dict[str, set[str]] = {}
    for module, path in known.items():
        # `from package import name` may name a module or what is in one.
        names = {name if name in known else name.rpartition(".")[0] for name in imports(path, types=True)}
        imported[module] = names & known.keys() - {module}
    assert circles(imported) == []


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b -> c -> b"]
    assert circles({"a": {"b"}, "b": set(), "c": {"a", "b"}}) == []


USERS_OF = {"httpx": {"cancel_safe", "httpx", "tls"}, "httptools": {"parser"}}


@pytest.mark.parametrize("library", sorted(HTTP_LIBRARIES))
def test_few_files_import_an_http_library(library: str) -> None:
    using = {
        path.relative_to(ROOT).as_posix() for path in FILES for name in imports(path) if name.split(".")[0] == library
    }
    assert using == {f"transport/backends/{module}.py" for module in USERS_OF.get(library, ())}


LATER = (
    HTTP_LIBRARIES
    | {"anyio._backends", "asyncio", "csv", "email", "sqlite3", "ssl", "zoneinfo"}
    | {f"ac_sms_async.{part}" for part in ("cli", "collect", "dlt", "fleet", "otel", "sandbox")}
)
"""What `import ac_sms_async` leaves to those who use it."""


def test_the_package_brings_nothing_that_not_everybody_uses() -> None:
    code = "import sys; before = set(sys.modules); import ac_sms_async; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "ac_sms_async.client" in loaded
    assert LATER.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("backend", "budget"),
    [
        ("httpx", "loop"),
        ("httptools", "machine"),
        ("httpx", "postgresql://127.0.0.1:1/none"),
        ("httpx", "redis://127.0.0.1:1"),
    ],
)
def test_a_client_leaves_nothing_of_its_calls_to_be_imported_later(backend: str, budget: str) -> None:
    code = f"""
import asyncio, sys, ac_sms_async
async def main():
    async with ac_sms_async.SMSClient("http://127.0.0.1:1", "token", **options) as sms:
        before = set(sys.modules)
        try:
            await sms.credits.get()
        except ac_sms_async.ConnectError:
            print(*(set(sys.modules) - before))
once = ac_sms_async.RetryPolicy(max_attempts=1)
options = {{"backend": {backend!r}, "budget": {budget!r}, "retry": once, "deadline": 4}}
asyncio.run(main())
"""
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    roots = {name.split(".")[0] for name in loaded.split()}
    assert roots.isdisjoint(HTTP_LIBRARIES | {"ac_sms_async"})


def test_the_check_sees_a_forbidden_import(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = ROOT / "polling.py"
    real = Path.read_text

    def read(self: Path) -> str:
        return "from ac_sms_async import SMSClient, transport\n" if self == bad else real(self)

    monkeypatch.setattr(Path, "read_text", read)
    assert ours(bad) == {"client", "transport"}
