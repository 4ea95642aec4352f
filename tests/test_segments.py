"""The estimate of message segments against the published GSM 03.38 limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.segments import estimate_segments


@pytest.mark.parametrize(
    ("body", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("ж" * 70, "UCS-2", 70, 1),
        ("ж" * 71, "UCS-2", 71, 2),
        ("ж" * 135, "UCS-2", 135, 3),
        ("🎉" * 35, "UCS-2", 70, 1),
        ("🎉" * 36, "UCS-2", 72, 2),
    ],
)
def test_published_limits(body: str, encoding: str, units: int, segments: int) -> None:
    estimate = estimate_segments(body)
    assert (estimate.encoding, estimate.units, estimate.segments) == (encoding, units, segments)


def test_a_two_unit_character_is_not_split_between_segments() -> None:
    # 152 units, then an escape pair: it does not fit into the last unit of the first segment.
    assert estimate_segments("a" * 152 + "€" + "b" * 152).segments == 3
    assert estimate_segments("a" * 152 + "cd" + "b" * 152).segments == 2


def test_the_opt_out_notice_makes_a_range() -> None:
    body = "a" * 150
    assert (estimate_segments(body).segments, estimate_segments(body).most_segments) == (1, 2)
    said = "Text stop to end." + "a" * 140
    assert (estimate_segments(said).segments, estimate_segments(said).most_segments) == (1, 1)
    assert estimate_segments("unstoppable" + "a" * 140).most_segments == 2


def test_what_makes_it_an_estimate_is_named() -> None:
    estimate = estimate_segments("Hi %FIRSTNAME%, “20% off” and 5% more at https://acme.example/x Reply STOP to end")
    assert estimate.merge_tags == ("%FIRSTNAME%",)
    assert estimate.links == ("https://acme.example/x",)
    assert estimate.forcing_ucs2 == ("“", "”")
    assert not estimate.is_exact
    assert estimate_segments("Sale today. Reply STOP to end").is_exact
    assert not estimate_segments("a" * 150).is_exact


@given(st.text())
def test_any_text_has_an_estimate_that_its_length_bounds(body: str) -> None:
    estimate = estimate_segments(body)
    single, several = (70, 67) if estimate.encoding == "UCS-2" else (160, 153)
    assert estimate.most_segments >= estimate.segments >= 1
    assert (estimate.segments == 1) == (estimate.units <= single)
    if estimate.segments > 1:
        assert -(-estimate.units // several) <= estimate.segments <= -(-estimate.units // (several - 1))
