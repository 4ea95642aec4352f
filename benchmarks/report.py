"""What comes out: figures with their targets, as JSON for machines and as a table for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from attrs import asdict, field, frozen

PACKAGES: Final = (
    "ac-sms-async", "httpx", "httpcore", "httptools", "aiohttp", "anyio", "attrs", "orjson", "uvloop",
    "openapi-python-client", "openapi-generator-cli", "pydantic",
)  # fmt: skip


@frozen
class Figure:
    """One measured number, and what it must reach: `bound` says whether it may not be below or above the target."""

    row: str
    what: str
    value: float
    unit: str = "x"
    target: float | None = None
    bound: Literal["at least", "at most"] = "at least"
    details: Mapping[str, Any] = field(factory=dict[str, Any], kw_only=True)

    @property
    def reached(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        value = round(self.value, _places(self.value))
        return value >= self.target if self.bound == "at least" else value <= self.target

    @property
    def mark(self) -> str:
        return {True: "yes", False: "NO", None: ""}[self.reached]

    def cells(self) -> tuple[str, str, str, str, str]:
        target = "" if self.target is None else f"{self.bound} {_number(self.target)}"
        return (self.what, f"{self.value:.{_places(self.value)}f}", target, self.unit, self.mark)


def _places(value: float) -> int:
    return 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1


def _number(value: float) -> str:
    return f"{value:g}"


HEADINGS: Final = ("what", "measured", "target", "unit", "reached")


def text_table(figures: Iterable[Figure]) -> str:
    """The figures in columns, for a terminal."""
    lines = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def markdown_table(figures: Iterable[Mapping[str, Any]]) -> str:
    """The figures of a JSON result, for the documentation."""
    keys = ("row", "what", "value", "unit", "target", "bound")
    made = [Figure(**{key: entry[key] for key in keys}) for entry in figures]
    lines = [HEADINGS, ("---", "--:", "---", "---", "---"), *(figure.cells() for figure in made)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def surroundings() -> dict[str, Any]:
    """What the numbers depend on: the machine, the interpreter, the versions, and how busy it all was."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "versions": {name: version(name) for name in PACKAGES},
    }


def write_json(path: Path, figures: Iterable[Figure], around: Mapping[str, Any]) -> None:
    """The result as JSON: what was measured, in which surroundings, with every contestant's medians."""
    measured = [{**asdict(figure), "value": round(figure.value, 4), "reached": figure.reached} for figure in figures]
    path.write_text(json.dumps({"surroundings": around, "figures": measured}, indent=1) + "\n", encoding="utf-8")
