"""Bad input is refused before anything is sent, with words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Literal

import pytest

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.resources import arguments

Colour = Literal["red", "blue"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: arguments.positive_id(0), "positive"),
        (lambda: arguments.positive_id(-1), "positive"),
        (lambda: arguments.positive_id(2**63), "64-bit"),
        (lambda: arguments.positive_id(10**200), "positive 64-bit number, not 1000"),
        (lambda: arguments.positive_id(True), "not bool"),
        (lambda: arguments.positive_id("42"), "an int such as 42, not str"),
        (lambda: arguments.positive_id(4.2), "not float"),
        (lambda: arguments.id_list("42"), "such as \\[42, 43\\], not str"),
        (lambda: arguments.id_list(42), "not int"),
        (lambda: arguments.id_list([]), "is empty"),
        (lambda: arguments.id_list([1, "2"]), "each of ids"),
        (lambda: arguments.date_range("2026-01-01", None), "datetime.date, not str"),
        (lambda: arguments.date_range(None, datetime(2026, 1, 1, tzinfo=UTC)), "value.date()"),
        (lambda: arguments.date_range(date(2026, 2, 1), date(2026, 1, 1)), "swap them"),
        (lambda: arguments.aware(datetime(2026, 1, 1), "when"), "when has no time zone"),  # noqa: DTZ001 - the mistake
        (lambda: arguments.aware("2026-01-01", "when"), "datetime.datetime, not str"),
        (lambda: arguments.text("", "name"), "name is blank"),
        (lambda: arguments.text(" \n", "name"), "blank"),
        (lambda: arguments.text(3, "name"), "a str, not int"),
        (lambda: arguments.choice("green", Colour, "colour"), "'red', 'blue', not 'green'"),
        (lambda: arguments.choice(["red"], Colour, "colour"), "one of"),
        (lambda: arguments.choice("x" * 100, Colour, "colour"), r"not 'x{56}\.\.\.$"),
        (lambda: arguments.choices("red", Colour, "colours"), r"\['red'\]"),
        (lambda: arguments.choices(["red", "green"], Colour, "colours"), "each of colours"),
        (lambda: arguments.at_least(0, 1, "chunk_size"), "at least 1, not 0"),
        (lambda: arguments.at_least(2**63, 0, "count"), "count must be a 64-bit number, not 9223372036854775808"),
        (lambda: arguments.at_least(10**5000, 0, "count"), "not such a large int"),
        (lambda: arguments.positive_id(10**5000), "64-bit number, not such a large int"),
        (lambda: arguments.id_list(bytearray(b"12")), "not bytearray"),
        (lambda: arguments.id_list(list), "not type"),
        (lambda: arguments.text("a\ud83d", "name"), "name holds half a surrogate pair at character 1,"),
        (lambda: arguments.at_least(True, 1, "chunk_size"), "an int, not bool"),
    ],
)
def test_bad_input_is_refused_in_plain_words(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        call()


def test_good_input_passes_through() -> None:
    assert arguments.positive_id(42) == 42
    assert arguments.id_list(iter([3, 1, 3])) == [3, 1]
    assert arguments.id_list([], least=0) == []
    assert arguments.date_range(None, None) == (None, None)
    assert arguments.date_range(date(2026, 1, 1), date(2026, 1, 1)) == (date(2026, 1, 1), date(2026, 1, 1))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert arguments.aware(moment, "when") is moment
    assert arguments.text("a", "name") == "a"
    assert arguments.choices(("red", "blue", "red"), Colour, "colours") == ["red", "blue"]
    assert arguments.at_least(3, 1, "n") == 3


def test_a_choice_is_ours_and_not_an_object_that_claims_to_be_equal() -> None:
    class Sly(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    chosen = arguments.choice(Sly("pending_review"), Colour, "colour")
    assert type(chosen) is str
    assert chosen == "red"
