"""The pages that say what is held name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/explanation/trust.md"])
def test_what_a_page_names_of_the_tests_is_there(page: str) -> None:
    named = re.findall(r"`(tests/[\w/.]+?)(?:::\w+)?`", (ROOT / page).read_text("utf-8"))
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []
