"""Puts the table of a JSON result into the documentation: `python -m benchmarks.docs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import markdown_table

RESULT = Path(__file__).parent / "result.json"
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "benchmarks.md"
START, END = "<!-- figures: start -->", "<!-- figures: end -->"


def with_figures(page: str, result: dict[str, Any]) -> str:
    """The page with everything between the two marks made anew."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    around = result["surroundings"]
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    measured = (
        f"Measured {around['date']} on {around['system']} with {around['cores']} cores, Python {around['python']} "
        f"({versions}). Load average at the start: {around['load_average'][0]}."
    )
    return f"{before}{START}\n\n{measured}\n\n{markdown_table(result['figures'])}\n\n{END}{after}"


if __name__ == "__main__":
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
