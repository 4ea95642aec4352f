"""Seeded data: the same everywhere, and adding up."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.sandbox.audience import Audience
from ac_sms_async.sandbox.clock import local_stamp, naive_stamp, utc_stamp
from ac_sms_async.sandbox.credits import credits_per_message, period
from ac_sms_async.sandbox.draw import Draw, Shuffle, share
from ac_sms_async.sandbox.fates import Counts
from ac_sms_async.sandbox.people import People
from ac_sms_async.sandbox.recipients import Seen, to_json
from ac_sms_async.sandbox.seed import Seed

END = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 18, tzinfo=UTC).timestamp()


def test_the_same_data_on_every_machine() -> None:
    seed = Seed(7, 40, 3000, end=END)
    shown = [broadcast.to_json(NOON, "x") for broadcast in seed.broadcasts_of("acme").values()]
    lists = [(each.id, each.name, each.subscriber_count) for each in seed.lists("acme").values()]
    audience = Audience(seed.key("acme"), 1, 3000, People(*seed.key("acme")), start=1_700_000_000, seconds=60)
    moments = [Seen(audience, audience.reached(1_700_000_060 + age)) for age in (0, 90, 3600, 86_400, 10**7)]
    rows = [to_json(seen, place) for place in range(3000) for seen in moments]
    everything = json.dumps([shown, lists, rows], sort_keys=True).encode()
    assert hashlib.sha256(everything).hexdigest() == DIGEST


DIGEST = "1a82701cd7bf4e68a9ea24786f5bda625988e00806435502bd8e16189b32577b"


def test_other_seeds_and_accounts_have_other_data() -> None:
    names = {
        tuple(each.name for each in Seed(number, 20, 100, end=END).broadcasts_of(account).values())
        for number in (1, 2)
        for account in ("acme", "globex")
    }
    assert len(names) == 4


def test_all_statuses_and_the_largest_broadcast_are_there() -> None:
    made = Seed(3, 20, 1000, end=END).broadcasts_of("acme")
    # All day long.
    for now in (datetime(2026, 1, 5, 6, tzinfo=UTC), datetime(2026, 1, 6, 5, 59, 59, tzinfo=UTC)):
        statuses = {broadcast.status_at(now.timestamp()) for broadcast in made.values()}
        assert statuses == {"draft", "pending_review", "scheduled", "sending", "sent"}
    assert made[1].audience == max(broadcast.audience for broadcast in made.values()) == 1000
    assert Seed(3, 4, 1000, end=END).broadcasts_of("acme")[1].status_at(NOON) == "sent"
    assert Seed(3, 0, 1000, end=END).broadcasts_of("acme") == {}
    assert all(broadcast.audience == 0 for broadcast in Seed(3, 9, 0, end=END).broadcasts_of("acme").values())


@given(
    broadcasts=st.integers(0, 60),
    end=st.dates(date(1980, 1, 1), date(2100, 1, 1)),
    account=st.sampled_from(["acme", "globex"]),
)
def test_the_data_end_on_a_day(broadcasts: int, end: date, account: str) -> None:
    made = Seed(7, broadcasts, 100, end=end).broadcasts_of(account).values()
    noon = datetime.combine(end, time(18), UTC).timestamp()
    sent = [local_day(sent_at) for each in made if (sent_at := each.sent_at(noon)) is not None]
    assert sent == sorted(sent)
    if broadcasts:
        assert sent[-1] == end - timedelta(days=1)
        assert sent[0] > end - timedelta(days=732)
    assert [local_day(each.scheduled_date) for each in made if each.scheduled_date is not None] == (
        [end + timedelta(days=1)] if broadcasts > 4 else []
    )
    for each in made:
        if each.sending_at is not None and each.submitted_at is not None:
            assert each.created_at < each.submitted_at < each.approved_at < each.sending_at


def test_another_end_moves_the_dates_and_nothing_else() -> None:
    first, other = (Seed(7, 40, 300, end=end).broadcasts_of("acme") for end in (END, END + timedelta(days=100)))
    for one, two in zip(first.values(), other.values(), strict=True):
        later = NOON + 100 * 86_400
        assert (one.name, one.body, one.audience) == (two.name, two.body, two.audience)
        assert one.status_at(NOON) == two.status_at(later)
        if one.sending_at is not None and two.sending_at is not None:
            assert local_day(two.sending_at) - local_day(one.sending_at) == timedelta(days=100)


def local_day(second: int) -> date:
    return date.fromisoformat(naive_stamp(second)[:10])


def test_odd_contacts_are_among_the_people() -> None:
    people = [People(7, "acme").contact(number) for number in range(1, 5000)]
    assert any("\n" in person.name for person in people)
    assert any('"' in person.name and "," not in person.name for person in people)
    assert any(person.name == "" for person in people)
    assert any(person.phone == "" for person in people)
    assert any(" " in person.phone for person in people)


@given(size=st.integers(0, 3000), first=st.integers(0, 2**64 - 1), second=st.integers(0, 2**64 - 1))
def test_a_shuffle_meets_every_place_once(size: int, first: int, second: int) -> None:
    shuffle = Shuffle(size, first, second)
    assert sorted(shuffle[place] for place in range(size)) == list(range(size))


def test_a_share_lies_between_its_ratios() -> None:
    assert share(1000, 0.1, 0.2, 0) == 100
    assert share(1000, 0.1, 0.2, 9_999) == 200
    assert Draw("x").at(3) == Draw("x").at(3) != Draw("y").at(3)


def counted(seen: Seen, places: Iterable[int]) -> Counts:
    """Counts by looking at every recipient, as a reader of the API would."""
    counts = Counts()
    for place in places:
        row = to_json(seen, place)
        counts.sends += 1
        counts.deliveries += row["deliverability"] == "delivered"
        counts.failures += row["deliverability"] == "failed"
        counts.clicks += row["clicks"]
        counts.replies += len(row["replies"])
        counts.opt_outs += row["optOut"] == "yes"
        assert (row["deliverability"] == "failed") == bool(row["details"])
        assert row["optOut"] == "no" or row["replies"][0]["message"] == "STOP"
    return counts


@given(
    size=st.integers(0, 400),
    seconds=st.integers(0, 500),
    low=st.none() | st.integers(990, 1600),
    end=st.integers(990, 1600),
    # From while it is sent to when all is over.
    age=st.integers(0, 600) | st.integers(0, 3 * 86_400) | st.just(10**7),
    late=st.integers(0, 3),
    removed=st.sets(st.integers(0, 400), max_size=3),
)
def test_counts_are_those_of_the_recipients(
    size: int, seconds: int, low: int | None, end: int, age: int, late: int, removed: set[int]
) -> None:
    audience = Audience((1, "a"), 5, size, People(1, "a"), start=1000, seconds=seconds)
    audience.late = late
    audience.removed = removed
    reached = audience.reached(1000 + age)
    seen = Seen(audience, reached)
    # Nobody is seen before a message went out to them.
    end = min(end, 1000 + age + 1)
    everybody = [place for place in range(size + late) if place not in removed]
    inside = [p for p in everybody if (low is None or audience.sent_at(p) >= low) and audience.sent_at(p) < end]
    places = audience.places(low, end)
    assert sorted(places) == inside
    counts = audience.counts(low, end, reached)
    assert counts == counted(seen, places) == audience.counts(low, end, reached)
    assert counts.sends == counts.deliveries + counts.failures
    groups = audience.failure_groups(low, end, reached)
    assert sum(groups.values()) == counts.failures
    assert list(groups.values()) == sorted(groups.values(), reverse=True)
    rows = [to_json(seen, place)["details"] for place in places]
    for (code, source), count in groups.items():
        assert rows.count({"errorCode": code, "errorSource": source}) == count
    assert len({audience.contact(place).id for place in range(size + late)}) == size + late


def test_days_that_have_not_come_hold_nothing() -> None:
    audience = Audience((1, "a"), 5, 300, People(1, "a"), start=1000, seconds=300)
    reached = audience.reached(1100)
    assert audience.counts(1200, 1101, reached) == Counts()
    assert audience.failure_groups(1200, 1101, reached) == {}


def test_a_reply_is_there_from_its_second_on() -> None:
    audience = Audience((1, "a"), 5, 3000, People(1, "a"), start=1000, seconds=300)
    found = 0
    for place in range(3000):
        replies = audience.recipient(place, audience.reached(10**7)).replies
        for number, (_, second) in enumerate(replies):
            before, then = (audience.recipient(place, audience.reached(now)).replies for now in (second - 0.5, second))
            assert (list(before), then) == (replies[:number], replies[: number + 1])
            found += number
    assert found > 5


def test_counts_of_stretches_are_remembered_within_reason() -> None:
    audience = Audience((1, "a"), 5, 300, People(1, "a"), start=1000, seconds=300)
    reached = audience.reached(10_000)
    for end in range(1001, 1290):
        assert audience.counts(None, end, reached).sends == end - 1000


@given(size=st.integers(1, 3000), first=st.integers(0, 2**64 - 1), second=st.integers(0, 2**64 - 1), drawn=st.randoms())
def test_how_many_of_a_shuffle_are_below_a_bound(size: int, first: int, second: int, drawn: random.Random) -> None:
    shuffle = Shuffle(size, first, second)
    bound, places = drawn.randint(0, size), drawn.randint(0, size)
    assert shuffle.below(bound, places) == sum(shuffle[place] < bound for place in range(places))


def test_stamps() -> None:
    second = int(datetime(2026, 1, 5, 19, 45, 10, tzinfo=UTC).timestamp())
    assert local_stamp(second) == "2026-01-05T13:45:10-06:00"
    assert naive_stamp(second) == "2026-01-05 13:45:10"
    assert utc_stamp(second) == "2026-01-05T19:45:10+00:00"
    assert local_stamp(int(datetime(2026, 7, 5, 12, tzinfo=UTC).timestamp())) == "2026-07-05T07:00:00-05:00"


@pytest.mark.parametrize(
    ("body", "credits"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("🎉" * 36, 2),
        ("a" * 307, 3),
    ],
)
def test_credits_per_message(body: str, credits: int) -> None:
    assert credits_per_message(body) == credits


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-01-05T12:00:00-06:00", "2025-12-26 15:06:25", "2026-01-26 15:06:25"),
        ("2026-12-26T15:06:25-06:00", "2026-12-26 15:06:25", "2027-01-26 15:06:25"),
        ("2026-12-26T15:06:24-06:00", "2026-11-26 15:06:25", "2026-12-26 15:06:25"),
    ],
)
def test_periods_of_credits(now: str, start: str, end: str) -> None:
    found = period(datetime.fromisoformat(now).timestamp())
    assert tuple(map(naive_stamp, found)) == (start, end)
