"""Every Python block of README.md and docs/ runs against a sandbox, page by page, as its reader would type it.

The blocks of a page run in order and share their names. `sms` (an open client) and `token` are at hand, await works as
in a notebook, and the placeholder URL stands for the sandbox. A block whose title is the name of a file is saved under
it, so that later blocks can import it; one named test_*.py is run by pytest. A block titled "Output" is what the one
before it prints.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
from attrs import frozen

from ac_sms_async import RateLimit, SMSClient, Transport
from ac_sms_async.sandbox import Clock, Sandbox

ROOT = Path(__file__).parents[2]
PLACEHOLDER = "https://acme.api-us1.com"
OTHER_PLACEHOLDER = "https://globex.api-us1.com"
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]+)(?P<options>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="([^"]+)"')


@frozen
class Block:
    line: int
    code: str
    title: str | None
    output: str | None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    fences = list(FENCE.finditer(text))
    found: list[Block] = []
    for fence, after in zip_longest(fences, fences[1:]):
        if fence["language"] not in ("python", "py"):
            continue
        title = TITLE.search(fence["options"])
        shown = after is not None and 'title="Output"' in after["options"]
        found.append(
            Block(
                line=text.count("\n", 0, fence.start("code")),
                code=textwrap.dedent(fence["code"]),
                title=title[1] if title else None,
                output=textwrap.dedent(after["code"]) if after is not None and shown else None,
            )
        )
    return found


WITH_PANDAS = ROOT / "docs/how-to/notebook.md"


def pages() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and blocks_of(page)]


@pytest.fixture
def dlt_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """dlt keeps its files in the test's folder, and tells nobody that it is used."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    # Unpaced and with time ten thousand times as fast, so that reviews and sends end while a page is tested.
    with Sandbox(seed=7, accounts=["acme", "globex"], rate_limit=None, clock=Clock(speed=10_000)) as running:
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", running.url)
        monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", running.token)
        yield running


class Page:
    """A page being read: what its blocks have defined so far, and the loop that their awaits run in."""

    def __init__(self, path: Path, sandbox: Sandbox, folder: Path) -> None:
        self._path = path
        self._sandbox = sandbox
        self._folder = folder
        # A module of its own, so that classes and dataclasses of the page find their annotations.
        self._module = ModuleType("__main__")
        self._names: dict[str, Any] = self._module.__dict__
        self._names["token"] = sandbox.token
        self._names["other_token"] = sandbox.accounts["globex"].token

    def read(self) -> None:
        self._read(blocks_of(self._path))

    def read_first(self) -> str:
        """What the first block prints."""
        return self._read(blocks_of(self._path)[:1])

    def _read(self, blocks: list[Block]) -> str:
        printed = ""
        with asyncio.Runner() as runner:
            sms = runner.run(self._open())
            try:
                for block in blocks:
                    printed = self._run(block, runner)
            finally:
                runner.run(sms.aclose())
        return printed

    async def _open(self) -> SMSClient:
        sms = SMSClient(self._sandbox.url, self._sandbox.token)
        self._names["sms"] = sms
        return sms

    def _run(self, block: Block, runner: asyncio.Runner) -> str:
        source = block.code.replace(PLACEHOLDER, self._sandbox.url)
        source = source.replace(OTHER_PLACEHOLDER, self._sandbox.accounts["globex"].url)
        if block.title is not None and block.title.endswith(".py"):
            (self._folder / block.title).write_text(source, "utf-8")
            if block.title.startswith("test_"):
                self._pytest(block)
                return ""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            outcome = eval(self._compile(block, source), self._names)
            if asyncio.iscoroutine(outcome):
                runner.run(outcome)
        if block.output is not None:
            assert matches(block.output, printed.getvalue()), f"line {block.line} printed:\n{printed.getvalue()}"
        return printed.getvalue()

    def _compile(self, block: Block, source: str) -> CodeType:
        # Errors then name the page and its line.
        padded = "\n" * block.line + source
        compiled = compile(padded, str(self._path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        assert isinstance(compiled, CodeType)
        return compiled

    def _pytest(self, block: Block) -> None:
        assert block.title is not None
        # Only the plugins that the pages speak of: loading all that are installed here takes seconds.
        plugins = ("anyio.pytest_plugin", "pytest_httpx", "pytest_ac_sms")
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *(f"-p{plugin}" for plugin in plugins), block.title],
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(self._folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr


def matches(expected: str, printed: str) -> bool:
    """Whether that was printed; `...` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


@pytest.mark.usefixtures("dlt_at_home")
@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()])
def test_the_blocks_of_a_page_run(
    page: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == WITH_PANDAS and find_spec("pandas") is None:
        pytest.skip("no pandas here: `make notebook` runs this page")
    if page.stem == "dlt":
        pytest.importorskip("dlt", reason="dlt can't be had for this Python")
    # At five requests a second, reading all pages would take minutes.
    monkeypatch.setitem(Transport.__init__.__kwdefaults__ or {}, "rate_limit", RateLimit(100, per=0.2, margin=0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    Page(page, sandbox, tmp_path).read()
    # Modules that the page has saved must not be known to the next one.
    for name in [file.stem for file in tmp_path.glob("*.py")]:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("years", [0, 4])
@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_snippet_finds_something_whenever_it_is_tried(years: int, page: str, tmp_path: Path) -> None:
    clock = Clock(datetime.now(UTC) + timedelta(days=years * 365), speed=0)
    # As newcomers start it.
    with Sandbox(accounts=["acme", "globex"], rate_limit=None, clock=clock) as sandbox:
        printed = Page(ROOT / page, sandbox, tmp_path).read_first()
    broadcasts = re.findall(r"^\d+ \D+ \d+ (20\d\d-\d\d-\d\d)", printed, re.MULTILINE)
    assert len(broadcasts) > 5
    assert (clock.datetime().date() - date.fromisoformat(broadcasts[-1])).days <= 2
    if "metrics" in blocks_of(ROOT / page)[0].code:
        assert re.search(r"^42 [1-9]\d* ", printed, re.MULTILINE)
        assert "the server left out [] and refused {}" in printed


def test_the_commands_for_newcomers_work(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ("README.md", "docs/tutorial.md", "docs/watch-a-week.md", "docs/how-to/sending.md")
    shown = "".join((ROOT / name).read_text("utf-8") for name in names)
    commands = dict.fromkeys(re.findall(r"^\$ ac-sms ((?!sandbox)[^#\n]+)", shown, re.MULTILINE))
    assert len(commands) >= 6
    for command in commands:
        run = subprocess.run(
            [sys.executable, "-m", "ac_sms_async", *shlex.split(command)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
    assert (tmp_path / "report.html").exists()


def test_a_broken_block_would_be_noticed(sandbox: Sandbox, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\nawait sms.broadcasts.gett(1)\n```\n", "utf-8")
    with pytest.raises(AttributeError, match="gett") as caught:
        Page(page, sandbox, tmp_path).read()
    assert any(frame.path == page and frame.lineno == 3 for frame in caught.traceback)


def test_a_wrong_output_would_be_noticed(sandbox: Sandbox, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```python\nprint(1 + 1)\n```\n\n```text title="Output"\n3\n```\n', "utf-8")
    with pytest.raises(AssertionError, match="printed"):
        Page(page, sandbox, tmp_path).read()
