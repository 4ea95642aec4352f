"""The page at /: how to reach an account, what moved lately, broadcasts, faults and requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest

from tests.sandbox.conftest import NOON
from tests.sandbox.served import Served


class Texts(HTMLParser):
    """The texts of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page(served: Served, query: str = "") -> Texts:
    answer = httpx.get(f"{served.sandbox.url}/{query}")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    found = Texts()
    found.feed(answer.text)
    return found


def test_the_page_shows_broadcasts_faults_and_requests(serve: Callable[..., Served]) -> None:
    served = serve(seed=7, broadcasts=60, recipients=500, accounts=["acme", "globex"])
    made = served.post("/sms/broadcasts", 201, name="<script>alert(1)</script>", body="b")
    served.get(
        "/sms/broadcasts/999",
        404,
    )
    served.sandbox.faults.add("hang_up", "getSmsCreditData")
    with pytest.raises(httpx.RemoteProtocolError):
        served.get("/sms/credits")
    shown = page(served)
    for text in (
        "<script>alert(1)</script>",
        "Broadcasts (61)",
        "Faults in force",
        "hang_up",
        "none",
        "404",
        "Page 1 of 3",
    ):
        assert text in " ".join(shown.texts), text
    assert str(made["id"]) in shown.texts
    metrics = served.post("/sms/broadcasts/metrics", ids=[1])["metrics"][0]
    last = page(served, "?page=99")
    row = last.texts[last.texts.index("1") :]
    assert f"{metrics['sends']}" in row
    assert "older" in shown.texts
    assert "older" not in last.texts
    drafts = page(served, "?status=draft&account=globex&page=x")
    assert "sending" in drafts.texts
    assert set(drafts.texts).isdisjoint({"Faults in force (1)"})
    assert "/?account=acme" in drafts.links
    for link in {*shown.links, *drafts.links}:
        page(served, link[1:])
    assert page(served, "?account=nobody").texts


def test_the_page_says_what_to_paste_into_a_shell(serve: Callable[..., Served]) -> None:
    closed = serve(accounts=["acme", "globex"]).sandbox
    url = closed.url.replace("127.0.0.1", "localhost")
    shown = httpx.get(f"{url}/?account=globex").text
    assert f"export ACTIVECAMPAIGN_URL={url}/globex\n" in shown
    assert f"export ACTIVECAMPAIGN_API_TOKEN={closed.accounts['globex'].token}</pre>" in shown
    for host in ("localhost", "[::1]", "[::1]:8080"):
        assert f"=http://{host}/acme\n" in httpx.get(closed.url, headers={"Host": host}).text
    # From elsewhere, by the name that it has there.
    opened = serve(host="0.0.0.0", accounts={"acme": "let-me-in"}).sandbox
    for host in ("sandbox:8080", "[bad"):
        shown = httpx.get(opened.url, headers={"Host": host}, auth=("x", "let-me-in")).text
        assert f"export ACTIVECAMPAIGN_URL=http://{host}/acme\n" in shown
        assert f"export ACTIVECAMPAIGN_INSECURE_HOST={host}</pre>" in shown
    assert "INSECURE" not in httpx.get(opened.url, auth=("x", "let-me-in")).text


def test_the_page_shows_what_moved_lately(serve: Callable[..., Served]) -> None:
    served = serve(broadcasts=0)
    assert "What moved" not in httpx.get(served.sandbox.url).text
    made = served.sandbox.add_broadcast("Sale", sent=NOON + timedelta(hours=1), sends=1000, clicks=100, opt_outs=7)

    def moved() -> str:
        shown = " ".join(filter(None, page(served).texts))
        return shown.partition("What moved since ")[2].partition(" Broadcasts (")[0]

    assert moved() == ""
    served.sandbox.clock.advance(hours=3)
    # Half of the clicks come within half an hour, and within the hour most of those who opt out have done so.
    counts = served.post("/sms/broadcasts/metrics", ids=[made])["metrics"][0]
    assert 50 < counts["clicks"] < 80
    expected = f"scheduled → sent +1,000 sends, +{counts['deliveries']} delivered, +{counts['failures']} failed, "
    assert expected + f"+{counts['clicks']} clicks" in moved()
    assert moved().startswith("2026-01-04 15:00 ")
    served.sandbox.clock.advance(days=2)
    assert "sent" in moved()
    assert "sends" not in moved()
    assert "clicks" in moved()
    served.sandbox.clock.advance(days=30)
    assert moved() == ""


def test_the_page_has_one_form_of_dates(served: Served) -> None:
    served.post("/sms/broadcasts", 201, name="a", body="b", scheduled_date="2030-07-01T12:00:00Z")
    served.post("/sms/broadcasts", 201, name="a", body="b", scheduled_date="0001-01-01T00:00:00Z")
    shown = httpx.get(served.sandbox.url).text
    dates = re.findall(r"\b\d{4}-\d\d-\d\d[^<,.;]*", shown)
    assert len(dates) > 20
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", found) for found in dates), dates
    assert "2030-07-01 07:00" in dates


def test_the_page_says_how_fast_time_runs(serve: Callable[..., Served]) -> None:
    served = serve()
    assert "at 0 times real speed" in " ".join(page(served).texts)
    served.sandbox.clock.set_speed(1)
    assert "real speed" not in " ".join(page(served).texts)
