"""Commands that change an account: each shows what it is about to do and asks, and none sends."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from ac_sms_async.sandbox import Sandbox
from tests.cli.conftest import Command

SALE = ("broadcasts", "create", "--name", "Sale", "--body", "20% off! Reply STOP to opt out")
WRITES = ("createBroadcast", "updateBroadcast", "deleteBroadcast", "createAIBroadcast")


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """Somebody sits there, and answers every question; returns what was asked."""

    def say(yes: bool) -> list[str]:
        asked: list[str] = []

        def confirm(text: str, **options: bool) -> bool:
            asked.append(text)
            return yes

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(click, "confirm", confirm)
        return asked

    return say


def written(sandbox: Sandbox) -> list[str]:
    return [entry.operation for entry in sandbox.journal if entry.operation in WRITES]


COMMANDS = [
    ((*SALE, "--list", "1"), "create", "Create this draft?"),
    (("broadcasts", "update", "3", "--name", "Other"), "update", "Change it?"),
    (("broadcasts", "delete", "3"), "delete", "Delete it?"),
    (("broadcasts", "send", "3"), "send", "Send it?"),
    (("ai", "create", "--prompt", "Spring sale"), "create", "Have a draft written?"),
]


@pytest.mark.parametrize(("words", "verb", "question"), COMMANDS, ids=[" ".join(words[:2]) for words, _, _ in COMMANDS])
def test_nothing_is_changed_without_a_yes(
    words: tuple[str, ...],
    verb: str,
    question: str,
    acme: Command,
    sandbox: Sandbox,
    answer: Callable[[bool], list[str]],
) -> None:
    nobody = acme(*words)
    assert (nobody.code, f"add --yes to {verb} without" in nobody.err) == (2, True)
    assert sandbox.journal.seen == 0
    asked = answer(False)
    refused = acme(*words)
    assert (refused.code, asked) == (1, [question])
    assert "Error: not " in refused.err
    assert written(sandbox) == []


def test_a_draft_from_its_first_word_to_its_end(
    acme: Command, sandbox: Sandbox, answer: Callable[[bool], list[str]]
) -> None:
    answer(True)
    made = acme(*SALE, "--list", "1", "--list", "2", "--segment", "77")
    assert made.code == 0
    assert "Name:         Sale\nMessage:      20% off! Reply STOP to opt out\nAudience:     list 1 (" in made.err
    assert "segment 77" in made.err
    assert "Segments:     1 for each recipient (GSM-7)" in made.err
    number = re.search(r"Broadcast (\d+) is a draft now", made.err)
    assert number is not None
    there = acme("broadcasts", "show", number[1], "--json").json
    assert (there["status"], there["list_ids"], there["segment_id"]) == ("draft", [1, 2], "77")

    changed = acme("broadcasts", "update", number[1], "--body", "25% off", "--list", "3", "--segment", "78")
    shown = dict(re.findall(r"^([\w ]+): +(.*)$", changed.err, re.MULTILINE))
    assert (shown["body"], shown["body then"]) == ("20% off! Reply STOP to opt out", "25% off")
    assert (shown["list_ids"], shown["list_ids then"], shown["segment_id then"]) == ("1, 2", "3", "78")
    there = acme("broadcasts", "show", number[1], "--json").json
    assert (there["name"], there["body"], there["list_ids"], there["segment_id"]) == ("Sale", "25% off", [3], "78")

    assert acme("broadcasts", "send", number[1], "--at", "2030-03-01T09:00-06:00").code == 0
    back = acme("broadcasts", "update", number[1], "--draft", "--name", "Later")
    assert "it is draft." in back.err

    gone = acme("broadcasts", "delete", number[1])
    assert "Sent:         never\n" in gone.err
    assert f"Broadcast {number[1]} is deleted." in gone.err
    assert acme("broadcasts", "show", number[1]).code == 1
    assert "Sent:         2" in acme("broadcasts", "delete", "1").err
    assert written(sandbox).count("updateBroadcast") == 3


def test_for_scripts(acme: Command) -> None:
    made = acme(*SALE, "--yes", "--json").json
    assert (made["name"], made["status"]) == ("Sale", "draft")
    number = str(made["broadcast_id"])
    assert acme("broadcasts", "update", number, "--name", "Other", "--yes", "--json").json["name"] == "Other"
    assert acme("broadcasts", "delete", number, "--yes", "--json").json == {
        "broadcast_id": made["broadcast_id"],
        "deleted": True,
    }
    for option in ("name", "body", "segment"):
        blank = acme("broadcasts", "update", number, f"--{option}", " ", "--yes")
        assert (blank.code, f"Invalid value for '--{option}': it is blank" in blank.err) == (2, True), blank.err
    empty = acme("broadcasts", "update", number, "--yes")
    assert (empty.code, "give --name, --body, --list, --segment or --draft" in empty.err) == (2, True)


def test_what_may_have_been_done_is_to_be_looked_at(acme: Command, sandbox: Sandbox) -> None:
    sandbox.faults.add("500", "createBroadcast")
    ran: Any = acme(*SALE, "--yes")
    assert ran.code == 1
    assert "It may have taken effect all the same: look before you do it again" in ran.err
    assert written(sandbox) == ["createBroadcast"]
