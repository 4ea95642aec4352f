"""`doctor --deep`: what an account says about the guesses, against sandboxes with each of them either way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import asdict

from ac_sms_async import SMSClient, __version__
from ac_sms_async.sandbox import Clock, Guesses, Sandbox
from tests.cli.conftest import Command, Ran

NOON = datetime(2026, 1, 5, 18, tzinfo=UTC)


def deep(ac_sms: Command, monkeypatch: pytest.MonkeyPatch, *options: str, **given: Any) -> tuple[Ran, Sandbox]:
    usual: dict[str, Any] = {"rate_limit": None, "clock": Clock(NOON, speed=0)}
    with Sandbox(**{**usual, **given}) as sandbox:
        monkeypatch.setenv("ACTIVECAMPAIGN_URL", sandbox.url)
        monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", sandbox.token)
        return ac_sms("doctor", "--deep", *options), sandbox


def found(ran: Ran) -> dict[str, str | None]:
    assert ran.code == 0, ran.err
    return {each["guess"]: each["found"] for each in ran.json["guesses"]}


OWN = {name: str(value) for name, value in asdict(Guesses()).items()} | {"ai_id": None}


@pytest.mark.parametrize("text", ["", *Guesses.texts()])
def test_each_guess_is_seen_whichever_way_it_is(text: str, ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, sandbox = deep(ac_sms, monkeypatch, "--json", guesses=Guesses.read([text] if text else []))
    name, _, value = text.partition("=")
    changed = {name: value} if text and name != "ai_id" else {}
    assert found(ran) == OWN | changed
    for each in ran.json["guesses"]:
        assert each["holds"] == (None if each["found"] is None else each["found"] == each["sandbox"])
    assert {entry.method for entry in sandbox.journal} == {"GET"}
    assert len(sandbox.journal) <= 12


def test_it_is_within_the_budget(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    # Paced, as all but these tests are.
    monkeypatch.setattr("ac_sms_async.cli.connection.SMSClient", SMSClient)
    ran, sandbox = deep(ac_sms, monkeypatch, "--json", broadcasts=4, clock=Clock(NOON), rate_limit=None)
    assert ran.json["rate_limit"] is None
    assert len(sandbox.journal) <= 12
    # Two at most may have met on the way; both parts each with a budget of its own would be ten.
    assert sandbox.journal.peak_rate() <= 7
    ran, _ = deep(ac_sms, monkeypatch, "--json", clock=Clock(NOON), rate_limit=50)
    assert (ran.json["rate_limit"], ran.json["ac_sms_async"]) == (50, __version__)


def test_nothing_in_the_report_says_whose_it_is(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the account holds: two with nothing in common give the same report, byte for byte."""
    one, sandbox = deep(ac_sms, monkeypatch, "--json", seed=1, accounts={"acme": "secret-token"})
    two, _ = deep(ac_sms, monkeypatch, "--json", seed=2, accounts={"globex": "another"}, broadcasts=80, recipients=901)
    assert one.out == two.out
    for word in ("acme", "secret", "127.0.0.1", str(sandbox.state.first.broadcast(1).name)):
        assert word not in one.out + one.err


def test_for_people(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, _ = deep(ac_sms, monkeypatch, guesses=Guesses(missing=403))
    checks, _, table = ran.out.partition("\n\n")
    assert checks.startswith("ok  ")
    rows = {line.split("\t")[0]: line.split("\t")[1:4] for line in table.splitlines()[2:]}
    assert (rows["missing"], rows["order"]) == (["404", "403", "no"], ["oldest", "oldest", "yes"])
    assert rows["ai_id"] == ["success", "-", "-"]


def test_an_account_with_little_in_it(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for size, unseen in ((0, ["order", "page_cap", "page_start", "date_filter"]), (2, ["page_cap", "page_start"])):
        ran, _ = deep(ac_sms, monkeypatch, "--json", broadcasts=size, recipients=20)
        assert [name for name, value in found(ran).items() if value is None] == [*unseen, "ai_id"]


def test_an_account_with_much_in_it(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def cap(**given: Any) -> str | None:
        return found(deep(ac_sms, monkeypatch, "--json", **given)[0])["page_cap"]

    assert cap(broadcasts=120) == "100"
    assert cap(broadcasts=120, guesses=Guesses(page_cap=5000)) == "none"
    assert cap(broadcasts=120, guesses=Guesses(page_cap=110)) == "110"
    assert cap(broadcasts=20, recipients=200, guesses=Guesses(page_cap=150)) == "150"
    assert cap(broadcasts=20, recipients=200, guesses=Guesses(page_cap=5000)) == "none"
    # Of the requests to the list the fourth (the doctor asks for one row first) is that for many rows.
    assert cap(broadcasts=120, faults=["listBroadcasts:422:nth=3"]) == "refused"
    for form in ("missing", "no_meta"):
        assert cap(faults=[f"listBroadcasts:total:form={form}"]) is None


@pytest.mark.parametrize(
    ("fault", "guess", "value"),
    [
        # What other servers may come up with.
        ("getBroadcast:409", "missing", "409"),
        ("getBroadcast:wrap", "missing", "404"),
        ("getBroadcast:500", "missing", None),
        ("listBroadcasts:insert:nth=2", "order", "another"),
        ("listBroadcasts:insert:nth=3", "page_start", None),
        ("listBroadcasts:cap:limit=1:nth=3", "page_start", "another"),
        ("listBroadcasts:delete:nth=4", "date_filter", "another"),
    ],
)
def test_other_answers(
    fault: str, guess: str, value: str | None, ac_sms: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, _ = deep(ac_sms, monkeypatch, "--json", faults=[fault])
    assert found(ran)[guess] == value


def test_a_server_that_takes_any_token(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, _ = deep(ac_sms, monkeypatch, "--json", accounts={"acme": "made-up-by-ac-sms-doctor"})
    assert found(ran)["refused"] == "200"


def test_an_account_that_does_not_work_is_said_first(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, sandbox = deep(ac_sms, monkeypatch, "--json", faults=["listBroadcasts:403"])
    assert ran.code == 1
    assert [each["check"] for each in ran.json if each["outcome"] == "problem"] == ["broadcasts"]
    assert len(sandbox.journal) == 4
