"""Each guess about the real server is a switch, and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from click.testing import CliRunner

from ac_sms_async.sandbox import Clock, Guesses, Pace, Sandbox
from ac_sms_async.sandbox.command import sandbox as command
from tests.sandbox.conftest import NOON
from tests.sandbox.served import Served

Serve = Callable[..., Served]


def under(serve: Serve, **guesses: Any) -> Served:
    return serve(seed=7, broadcasts=12, recipients=500, guesses=Guesses(**guesses))


def ids(served: Served, path: str, rows: str, **params: Any) -> list[Any]:
    return [row["id"] for row in served.get(path, **params)[rows]]


@pytest.mark.parametrize(
    ("path", "rows"),
    [("/sms/broadcasts", "broadcasts"), ("/sms/lists", "lists"), ("/sms/broadcasts/1/recipients", "recipients")],
)
def test_order(serve: Serve, path: str, rows: str) -> None:
    oldest, newest = under(serve), under(serve, order="newest")
    first = oldest.pages(path, rows)
    assert newest.pages(path, rows) == first[::-1] != first


def test_an_order_that_is_asked_for_is_kept(serve: Serve) -> None:
    newest = under(serve, order="newest")
    assert ids(newest, "/sms/broadcasts", "broadcasts", **{"orders[field]": "ASC"}) == list(range(1, 13))
    found = newest.get("/sms/broadcasts/1/recipients", **{"order[field]": "sentDate"})["recipients"]
    dates = [row["sentDate"] for row in found]
    assert dates == sorted(dates)


def test_page_cap(serve: Serve) -> None:
    path = "/sms/broadcasts/1/recipients"
    for cap in (30, 1000):
        answer = under(serve, page_cap=cap).get(path, limit=400)
        assert len(answer["recipients"]) == answer["meta"]["limit"] == min(cap, 400)
    assert len(under(serve).get(path, limit=400)["recipients"]) == 100


def test_page_start(serve: Serve) -> None:
    paged, exact = under(serve, page_start="multiple"), under(serve)
    for offset, begun in ((0, 1), (3, 1), (4, 5), (7, 5)):
        assert ids(paged, "/sms/broadcasts", "broadcasts", offset=offset, limit=4)[0] == begun
        assert ids(exact, "/sms/broadcasts", "broadcasts", offset=offset, limit=4)[0] == offset + 1


def test_date_filter(serve: Serve) -> None:
    for guess, field in (("sent", "sent_date"), ("created", "created_at")):
        served = under(serve, date_filter=guess)
        broadcast = served.get("/sms/broadcasts/1")
        days = {name: broadcast[name][:10] for name in ("sent_date", "created_at")}
        assert days["sent_date"] != days["created_at"]
        for name, day in days.items():
            found = ids(served, "/sms/broadcasts", "broadcasts", start_date=day, end_date=day)
            assert (1 in found) == (name == field)


@pytest.mark.parametrize("status", [404, 403])
def test_missing(serve: Serve, status: int) -> None:
    served = under(serve, missing=status)
    for method, path in (
        ("GET", "/sms/broadcasts/999"),
        ("DELETE", "/sms/broadcasts/999"),
        ("GET", "/sms/broadcasts/999/recipients"),
        ("GET", "/sms/broadcasts/metrics/999/failures"),
        ("GET", "/sms/broadcasts/ai/none"),
    ):
        assert served.json(method, path, status)["message"].startswith("No Result found for ")
    assert served.json("GET", "/sms/nothing", 404)["message"].startswith("No route found")


@pytest.mark.parametrize("status", [403, 401])
def test_refused(serve: Serve, status: int) -> None:
    served = under(serve, refused=status)
    served.http.headers["Api-Token"] = "wrong"
    assert "Forbidden" in served.get("/sms/credits", status)["message"]


def ai(served: Served, method: str = "POST", **fields: Any) -> Callable[[], tuple[str, int | None]]:
    """Ask the AI; what comes back looks at how far it is."""
    given = {"prompt": "Sale", "tone": "casual", "source": "ai_builder", **fields}
    number = served.json(method, "/sms/broadcasts/ai", json=given)["requestId"]

    def look() -> tuple[str, int | None]:
        found = served.get(f"/sms/broadcasts/ai/{number}")
        return found["status"], found["broadcastId"]

    return look


@pytest.mark.parametrize(
    ("guess", "during", "just_after"), [("success", None, 13), ("at_once", 13, 13), ("later", None, None)]
)
def test_ai_id(serve: Serve, guess: str, during: int | None, just_after: int | None) -> None:
    clock = Clock(NOON, speed=0)
    served = serve(broadcasts=12, clock=clock, pace=Pace(ai=10), guesses=Guesses(ai_id=guess))
    look = ai(served)
    assert look() == ("in_progress", during)
    clock.advance(10)
    assert look() == ("success", just_after)
    clock.advance(10)
    assert look() == ("success", 13)
    assert served.get("/sms/broadcasts/13")["body"].startswith("Sale (casual)")
    assert served.get("/sms/broadcasts", limit=100)["meta"]["total"] == 13
    draft = served.post("/sms/broadcasts", 201, name="a", body="b")["id"]
    look = ai(served, "PUT", broadcastId=draft)
    assert look() == ("in_progress", draft if guess == "at_once" else None)
    clock.advance(20)
    assert look() == ("success", draft)


def test_they_are_read_from_text() -> None:
    assert Guesses.read([]) == Guesses()
    assert Guesses.read(["order=newest", "page_cap=7"]) == Guesses(order="newest", page_cap=7)
    assert {Guesses.read([text]) for text in Guesses.others()} >= {Guesses(missing=403), Guesses(ai_id="later")}
    for name in asdict(Guesses()):
        assert [text for text in Guesses.others() if text.startswith(f"{name}=")], name
        assert Guesses.read([next(text for text in Guesses.texts() if text.startswith(f"{name}="))]) == Guesses()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ordre=newest", "no such guess: 'ordre=newest'; there are order, page_cap"),
        ("order", "can't be order; there are order=oldest, order=newest"),
        ("order=DESC", "there are order=oldest"),
        ("missing=no", "missing is a number, not 'no'"),
        ("missing=500", "missing=404, missing=403"),
        ("page_cap=0", "page_cap"),
    ],
)
def test_what_there_is_not_is_said(text: str, message: str) -> None:
    ran = CliRunner().invoke(command, ["--guess", text])
    assert ran.exit_code == 1
    assert message in ran.output


def test_the_command_takes_and_completes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Guesses] = []

    def serve(sandbox: Sandbox, **options: bool) -> None:
        served.append(sandbox.state.guesses)

    monkeypatch.setattr("ac_sms_async.sandbox.command.serve", serve)
    assert CliRunner().invoke(command, ["--guess", "missing=403", "--guess", "order=newest"]).exit_code == 0
    assert served == [Guesses(missing=403, order="newest")]
    option = next(each for each in command.params if each.name == "guesses")
    found = option.shell_complete(command.make_context("sandbox", []), "mis")
    assert [item.value for item in found] == ["missing=404", "missing=403"]


def test_who_asks_is_told_what_is_set(serve: Serve) -> None:
    served = under(serve, order="newest")
    about = served.http.get(f"{served.sandbox.url}/_sandbox").json()
    assert about["guesses"] == asdict(Guesses(order="newest"))


def test_every_guess_stands_in_the_one_table_with_its_source() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/real-api.md").read_text("utf-8")
    section = page.partition("## Guesses that are switches")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")
    ]
    assert [row[0].strip("`") for row in rows] == list(asdict(Guesses()))
    for name, _, ours, others, source in rows:
        values = [text.partition("=")[2] for text in Guesses.texts() if text.startswith(f"{name.strip('`')}=")]
        assert ours.strip("`") == values[0]
        assert all(f"`{value}`" in others for value in values[1:]), name
        assert source
