"""The rate limit, and the journal that proves who kept it."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from ac_sms_async.sandbox.journal import Journal, JournalEntry
from ac_sms_async.sandbox.limiter import Limiter, retry_after
from tests.sandbox.served import Served


def test_five_in_any_sliding_second() -> None:
    limiter = Limiter(5)
    assert [limiter.admit(now) for now in (0.0, 0.1, 0.2, 0.3, 0.9)] == [None] * 5
    assert limiter.admit(0.95) == 1.0 - 0.95
    assert limiter.headers() == {"RateLimit-Limit": "5", "RateLimit-Remaining": "0"}
    assert limiter.admit(1.0) is None
    assert limiter.admit(1.05) is not None
    assert limiter.admit(1.1) is None


def test_no_limit() -> None:
    limiter = Limiter(None)
    assert [limiter.admit(0) for _ in range(100)] == [None] * 100
    assert limiter.headers() == {}


def test_retry_after_is_in_whole_seconds_rounded_up() -> None:
    assert [retry_after(wait) for wait in (0.01, 1.0, 1.2)] == ["1", "1", "2"]


def test_the_sixth_request_is_turned_away(serve: Callable[..., Served]) -> None:
    served = serve(rate_limit=5, accounts=["acme", "globex"])
    other = served.sandbox.accounts["globex"]
    answers = [served.http.get("/sms/credits") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert answers[5].headers["retry-after"] == "1"
    assert answers[5].json() == {"message": "Rate limit exceeded."}
    assert "retry-after" not in answers[0].headers
    # An account's budget is its own, a wrong token costs nothing, and paths of the same account share.
    assert httpx.get(f"{other.url}/api/3/sms/credits", headers={"Api-Token": other.token}).status_code == 200
    assert served.http.get("/sms/credits", headers={"Api-Token": "x"}).status_code == 403
    assert served.http.get(f"{served.sandbox.url}/acme/api/3/sms/credits").status_code == 429
    served.sandbox.clock.advance(1)
    assert served.http.get("/sms/credits").status_code == 200
    assert served.sandbox.peak_rate() == served.sandbox.peak_rate("acme") == 8
    assert served.sandbox.peak_rate("globex") == 1
    assert served.sandbox.peak_rate("nobody") == 0


def test_the_journal_shows_what_was_sent(served: Served) -> None:
    served.post("/sms/broadcasts/metrics", ids=[1, 2])
    served.get("/sms/broadcasts", **{"filters[name]": "a b"})
    served.get("/sms/broadcasts/1/nothing", 404)
    journal = served.sandbox.journal
    first, second, third = journal
    assert (first.method, first.path, first.body) == ("POST", "/api/3/sms/broadcasts/metrics", '{"ids":[1,2]}')
    assert (first.operation, first.account, first.status) == ("getBroadcastMetrics", "acme", 200)
    assert second.query == "filters%5Bname%5D=a+b" or second.query == "filters%5Bname%5D=a%20b"
    assert (third.operation, third.status) == (None, 404)
    assert journal.of("getBroadcastMetrics") == [first]
    assert journal.of(account="globex") == []
    assert len(journal.of("listBroadcasts", "acme")) == 1
    assert served.sandbox.token not in repr(list(journal))
    journal.clear()
    assert (len(journal), journal.seen) == (0, 0)


def test_the_peak_is_exact_and_the_journal_bounded() -> None:
    journal = Journal(keep=3)
    for at in (0.0, 0.5, 0.9, 1.0, 1.2, 5.0, 5.999, 6.0):
        journal.note(JournalEntry(at, "GET", "/", "", account="acme"))
    assert (len(journal), journal.seen, journal.peak_rate("acme")) == (3, 8, 4)
    assert Journal().peak_rate() == 0
