"""The published fault table is the one that the tests hold the client to."""

from __future__ import annotations

from tests.faults.publish import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.faults.publish"
