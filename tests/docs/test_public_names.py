"""What the pages and examples import is public: it stands in the `__all__` of the package, or of a part for some users.

What isn't public isn't shown by `dir(ac_sms_async)`, so that nobody comes to lean on it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import attrs
import pytest

import ac_sms_async
from ac_sms_async import models
from tests.docs.test_blocks import blocks_of, pages

ROOT = Path(__file__).parents[2]
PUBLIC = {
    "ac_sms_async",
    *(f"ac_sms_async.{part}" for part in ("collect", "dlt", "fleet", "models", "otel", "sandbox")),
}
"""Where names are imported from; and from `ac_sms_async.lowlevel.api`, a module for each of the document's tags."""


def imported(code: str) -> Iterator[tuple[str, str]]:
    """What a piece of code imports of ours: the module, and the name in it ("" for the module as a whole)."""
    try:
        tree = compile(code, "", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        # A block may begin where another ended; what it imports still stands in lines of its own.
        tree = ast.parse("\n".join(line for line in code.splitlines() if line.startswith(("from ac_", "import ac_"))))
    assert isinstance(tree, ast.Module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            pairs = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            pairs = [(alias.name, "") for alias in node.names]
        else:
            continue
        yield from (pair for pair in pairs if pair[0].split(".")[0] == "ac_sms_async")


def hidden(module: str, name: str) -> str | None:
    """What a reader would be taught that isn't public, or None where it is."""
    if module.startswith("ac_sms_async.lowlevel.api."):
        return None if hasattr(import_module(module), name) else f"{module} has no {name}"
    if module not in PUBLIC:
        return f"{module} isn't public (for {name or 'itself'})"
    if name in ("", *import_module(module).__all__) or f"{module}.{name}" in PUBLIC:
        return None
    return f"{name} isn't in the __all__ of {module}"


def sources() -> Iterator[tuple[str, str]]:
    for page in pages():
        yield from ((f"{page.name}:{block.line}", block.code) for block in blocks_of(page))
    for path in sorted((ROOT / "examples").rglob("*.py")):
        yield path.name, path.read_text("utf-8")


def test_everything_that_is_shown_is_public() -> None:
    found = [(where, module, name) for where, code in sources() for module, name in imported(code)]
    assert len({where for where, _, _ in found}) > 30
    assert ("ac_sms_async", "SMSClient") in {(module, name) for _, module, name in found}
    assert [f"{where}: {why}" for where, module, name in found if (why := hidden(module, name)) is not None] == []


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("from ac_sms_async.transport.events import Event", "ac_sms_async.transport.events isn't public (for Event)"),
        ("import ac_sms_async.paging", "ac_sms_async.paging isn't public (for itself)"),
        ("if x:\n    from ac_sms_async import polling", "polling isn't in the __all__ of ac_sms_async"),
        (
            "from ac_sms_async.lowlevel.api.lists import all",
            "ac_sms_async.lowlevel.api.lists has no all",
        ),
        ("from ac_sms_async import models, Pager\nawait x", None),
    ],
)
def test_what_is_not_public_is_noticed(code: str, why: str | None) -> None:
    assert [reason for module, name in imported(code) if (reason := hidden(module, name))] == ([why] if why else [])


def test_dir_shows_what_is_public() -> None:
    shown = {name for name in dir(ac_sms_async) if not name.startswith("__")}
    assert shown == set(ac_sms_async.__all__) - {"__version__"}
    assert {"__version__", "__doc__", "__name__"} <= set(dir(ac_sms_async))
    assert all(hasattr(ac_sms_async, name) for name in dir(ac_sms_async))


def test_the_open_words_of_answers_come_from_the_package() -> None:
    """A status is any text, of which some are known: whoever keeps one names its type."""
    used: set[str] = set()
    for name in models.__all__:
        kind = getattr(models, name)
        if attrs.has(kind) and not name.endswith("Request"):
            used.update(str(field.type).removesuffix(" | None") for field in attrs.fields(kind))
    words = {name for name in models.__all__ if name in used and not attrs.has(getattr(models, name))}
    assert {"BroadcastStatus", "AIStatus"} <= words <= set(ac_sms_async.__all__)
    assert all(getattr(ac_sms_async, name) is getattr(models, name) for name in words)
