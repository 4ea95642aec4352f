"""The report as a browser draws it: light, dark and on paper. Skipped where no Chromium is at hand."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from html import escape, unescape
from pathlib import Path

import anyio
import pytest

from ac_sms_async.collect import Store
from ac_sms_async.collect.report import load_report, render_report
from tests.chromium import CHROMIUM, DARK, FLAGS, LIGHT, pixels
from tests.collect.fakes import MemoryStore
from tests.collect.shop import NOW, shop

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium at hand to draw the report with")

SIZE = "--window-size=900,1700"

LIGHT_PAPER, DARK_PAPER = (0xFF, 0xFF, 0xFF), (0x12, 0x15, 0x1C)
LIGHT_BARS, DARK_BARS = (0x00, 0x72, 0xB2), (0x58, 0xB4, 0xF0)


async def _nothing() -> Store:
    return MemoryStore()


async def _forty_accounts() -> Store:
    store = MemoryStore()
    for number in range(40):
        await shop(broadcasts=20, account=f"account-{number:02}", store=store)
    return store


SHOPS: dict[str, Callable[[], Awaitable[Store]]] = {
    "empty": _nothing,
    "one": partial(shop, broadcasts=1, days=230),
    "usual": shop,
    "five thousand": partial(shop, broadcasts=5000),
    "forty accounts": _forty_accounts,
}

WIDTHS = (360, 390, 859, 860, 1100)

FRAME = '<iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>'

MEASURE = """<pre></pre><script>
const measured = (frame) => {
  const page = frame.contentDocument, words = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const found = {wide: page.documentElement.scrollWidth, texts: 0, smallest: 99, clipped: []};
  while (words.nextNode()) {
    const range = page.createRange();
    range.selectNodeContents(words.currentNode);
    const box = range.getBoundingClientRect(), holder = words.currentNode.parentElement;
    // What is there for a screen reader alone takes no room.
    if (!words.currentNode.data.trim() || !box.width || holder.closest("title, thead")?.offsetWidth === 1) continue;
    const scale = holder.ownerSVGElement ? holder.getScreenCTM().a : 1;
    found.texts += 1;
    found.smallest = Math.min(found.smallest, scale * parseFloat(page.defaultView.getComputedStyle(holder).fontSize));
    if (box.left < 0 || box.right > frame.clientWidth + 0.5) found.clipped.push(words.currentNode.data);
  }
  return found;
};
addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")];
  document.querySelector("pre").textContent = JSON.stringify(frames.map(measured));
});
</script>"""
"""Measures a page from outside, where its own policy doesn't forbid scripts; a frame can be as narrow as a phone."""


@pytest.mark.parametrize("kind", SHOPS)
def test_everything_can_be_read_at_any_width(kind: str, tmp_path: Path) -> None:
    async def make() -> str:
        async with await SHOPS[kind]() as store:
            return render_report(await load_report(store, last="quarter", now=NOW))

    page = escape(anyio.run(make))
    frames = "".join(FRAME.format(width=width, page=page) for width in WIDTHS)
    outside = tmp_path / "outside.html"
    outside.write_text(f"<!DOCTYPE html><meta charset='utf-8'>{frames}{MEASURE}", encoding="utf-8")
    flags = [*FLAGS, SIZE, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", outside.as_uri()]
    done = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=60, check=True)
    measured = json.loads(unescape(done.stdout.rpartition("<pre>")[2].partition("</pre>")[0]))
    for width, found in zip(WIDTHS, measured, strict=True):
        assert found["texts"] > (20 if kind == "empty" else 60)
        assert found["wide"] <= width
        assert found["clipped"] == [], width
        assert found["smallest"] >= 11, width


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    async def make() -> str:
        async with await shop() as store:
            return render_report(await load_report(store, last="week", now=NOW))

    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(anyio.run(make), encoding="utf-8")
    return path


def draw(report: Path, folder: Path, *flags: str) -> str:
    """Run Chromium; returns what it complained about."""
    command = [str(CHROMIUM), *FLAGS, SIZE, f"--user-data-dir={folder / 'profile'}", *flags, "--enable-logging=stderr"]
    done = subprocess.run([*command, report.as_uri()], capture_output=True, text=True, timeout=60, check=True)
    return "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.parametrize(
    ("scheme", "paper", "bars"),
    [
        (LIGHT, LIGHT_PAPER, LIGHT_BARS),
        (DARK, DARK_PAPER, DARK_BARS),
    ],
    ids=["light", "dark"],
)
def test_on_a_screen(
    report: Path, tmp_path: Path, scheme: str, paper: tuple[int, int, int], bars: tuple[int, int, int]
) -> None:
    picture = tmp_path / "report.png"
    assert draw(report, tmp_path, f"--screenshot={picture}", scheme) == ""
    colours = Counter(pixels(picture.read_bytes()))
    [(most, _)] = colours.most_common(1)
    assert most == paper
    # The columns are there, and large.
    assert colours[bars] > 8_000


def test_on_paper(report: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    assert draw(report, tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer") == ""
    data = paper.read_bytes()
    assert data.startswith(b"%PDF-")
    assert 2 <= data.count(b"/Type /Page\n") <= 8
