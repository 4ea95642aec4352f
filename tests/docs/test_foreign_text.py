"""The page on other people's text names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contributing" / "foreign-text.md"


def test_each_place_has_its_test() -> None:
    rows = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "place | what" not in line
    ]
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)?(?:::(test_\w+))?`", row.rsplit("|", 2)[1])
        assert named, row
        file = ""
        for given, function in named:
            file = given or file
            [path] = (ROOT / "tests").rglob(file)
            assert not function or f"def {function}(" in path.read_text("utf-8"), (file, function)
