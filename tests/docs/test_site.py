"""The documentation as its readers see it: in the light and in the dark, at a desk and on a phone."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import ac_sms_async
from tests.chromium import CHROMIUM, DARK, FLAGS, LIGHT, pixels

ROOT = Path(__file__).parents[2]
SITE = ROOT / "site"
DIAGRAMS = sorted((ROOT / "docs/diagrams").glob("*.svg"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

drawn = pytest.mark.skipif(
    CHROMIUM is None or not SITE.exists(), reason="it takes Chromium, and the site that `make docs` builds"
)


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.stem)
def test_every_colour_of_a_diagram_is_for_light_and_dark(diagram: Path) -> None:
    style, rest = re.fullmatch(r".*?<style>(.*?)</style>(.*)", diagram.read_text("utf-8"), re.DOTALL).groups()  # type: ignore[union-attr]
    light, dark = (
        re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part) for part in style.split("@media (prefers-color-scheme: dark)")
    )
    assert dict(light).keys() == dict(dark).keys() == set(re.findall(r"var\(--([\w-]+)\)", rest))
    painted = set(re.findall(r'(?:fill|stroke|stop-color)="([^"]+)"', rest))
    # White is for words on a bar that is dark in both.
    assert {paint for paint in painted if not paint.startswith("var(")} <= {"none", "white"}
    assert "#" not in re.sub(r"url\(#\w+\)", "", rest)


def test_no_table_has_an_empty_head() -> None:
    heads = [
        (page, line) for page in PAGES for line in re.findall(r"^(\|.*)\n\|[-: |]+\|$", page.read_text("utf-8"), re.M)
    ]
    assert len(heads) > 30
    assert [(page.name, line) for page, line in heads if not line.strip("| ")] == []


def test_the_site_says_which_version_it_is_about() -> None:
    assert f"\ncopyright: ac_sms_async {ac_sms_async.__version__}, MIT" in (ROOT / "mkdocs.yml").read_text("utf-8")


WIDTHS = (390, 1280)

MEASURE = """<!DOCTYPE html><meta charset="utf-8"><pre></pre>FRAMES<script>
const measured = (frame) => {
  const page = frame.contentDocument, code = [...page.querySelectorAll("pre > code")];
  return {
    page: frame.dataset.page, width: frame.clientWidth, blocks: code.length,
    wide: page.querySelector(".md-content").scrollWidth,
    clipped: code.filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.innerText.slice(0, 60)),
    diagrams: [...page.querySelectorAll("img[src*='diagrams/']")].map((each) => each.getBoundingClientRect().width),
  };
};
addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")];
  document.querySelector("pre").textContent = JSON.stringify(frames.map(measured));
});
</script>"""

# Scripts would do nothing but load a hundred times.
FRAME = (
    '<iframe sandbox="allow-same-origin" data-page="{0}" src="/{0}" style="border:0;width:{1}px;height:900px"></iframe>'
)


class Handler(SimpleHTTPRequestHandler):
    """The site, and a page of its origin that measures all others."""

    def do_GET(self) -> None:
        if self.path != "/measure":
            return super().do_GET()
        pages = [page.relative_to(SITE).as_posix() for page in sorted(SITE.rglob("index.html"))]
        frames = "".join(FRAME.format(page, width) for page in pages for width in WIDTHS)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(MEASURE.replace("FRAMES", frames).encode())
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(SITE))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def chromium(folder: Path, *flags: str) -> str:
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@drawn
def test_nothing_is_clipped_at_a_desk_or_on_a_phone(site: str, tmp_path: Path) -> None:
    shown = chromium(tmp_path, "--dump-dom", f"{site}/measure")
    measured = json.loads(unescape(shown.partition("<pre>")[2].partition("</pre>")[0]))
    assert len(measured) > 90
    assert sum(page["blocks"] for page in measured) > 300
    assert [page for page in measured if page["wide"] > page["width"] or page["clipped"]] == []
    # A diagram's words can be read, if need be by moving it.
    widths = [width for page in measured for width in page["diagrams"]]
    assert len(widths) >= 2 * len(DIAGRAMS)
    assert min(widths) >= 640


@drawn
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("page", "papers"),
    [
        # The diagram's, and the report's.
        ("explanation/pacing/", [(0xF6, 0xF8, 0xFA), (0x1C, 0x21, 0x28)]),
        ("", [(0xFF, 0xFF, 0xFF), (0x12, 0x15, 0x1C)]),
    ],
    ids=["diagram", "report"],
)
def test_a_picture_is_as_light_or_dark_as_its_page(
    page: str, papers: list[tuple[int, int, int]], scheme: str, site: str, tmp_path: Path
) -> None:
    picture = tmp_path / "page.png"
    chromium(tmp_path, scheme, "--window-size=1000,700", f"--screenshot={picture}", f"{site}/{page}")
    colours = Counter(pixels(picture.read_bytes()))
    paper, other = papers if scheme == LIGHT else reversed(papers)
    assert colours[paper] > 30_000
    assert colours[other] < 1_000
