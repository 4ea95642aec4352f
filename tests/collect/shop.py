"""A store that looks like a shop's year, to make reports of."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from ac_sms_async.collect.records import Stamp
from ac_sms_async.collect.rows import Fields
from ac_sms_async.collect.store.protocol import Statement, Store
from tests.collect.fakes import NO_ROW, MemoryStore

NOW = datetime(2026, 9, 20, 8, 0, tzinfo=UTC)
FIRST = date(2026, 1, 3)
EVIL = "<script>alert(1)</script> & \"co\" 'x' {0} %s"
NAMES = ("Spring sale", "VIP early access", "Back in stock", "Weekend deal", EVIL, "مرحبا عرض خاص")
LINK = "Hi %FIRSTNAME%, our new collection is here: https://shop.example/s/abc Reply STOP to opt out"


async def shop(*, broadcasts: int = 200, days: int = 255, account: str = "acme", store: Store | None = None) -> Store:
    """A store with `broadcasts` of an account, sent over so many days, with failures and a course of credits."""
    store = store or MemoryStore()
    chance = random.Random(7)
    await store.write(
        Statement(
            "INSERT INTO accounts (account, url, first_seen_at) VALUES (?, 'https://acme.example', ?)",
            [(account, "2026-01-01T00:00:00Z")],
        )
    )
    stamp = Stamp(account, "r1", 1, "2026-09-20T07:00:00Z")
    rows: list[Fields] = []
    counts: dict[int, Fields] = {}
    for i in range(1, broadcasts + 1):
        day = FIRST + timedelta(days=i * days // broadcasts)
        body = LINK if chance.random() < 0.8 else "Your order is on its way."
        rows.append(
            {**NO_ROW, "broadcast_id": i, "name": f"{chance.choice(NAMES)} {i}", "status": "sent", "body": body}
        )
        rows[-1]["sent_date"] = f"{day}T15:00:00Z"
        sends = chance.randint(200, 4000)
        failures = int(sends * chance.uniform(0.005, 0.06))
        delivered = sends - failures
        counts[i] = {
            "broadcast_id": i,
            "sends": sends,
            "deliveries": delivered,
            "failures": failures,
            "clicks": int(delivered * chance.betavariate(2, 18)) if body == LINK else 0,
            "replies": int(delivered * chance.uniform(0, 0.02)),
            "opt_outs": int(delivered * chance.betavariate(1.3, 140)),
        }
    await store.write(*stamp.broadcasts(rows), *stamp.metrics(counts, {}))
    for i, fields in counts.items():
        await store.write(*stamp.failures(i, _groups(chance, int(fields["failures"] or 0))))
    for place in range(30):
        at = NOW - timedelta(days=29 - place)
        credits: Fields = {
            "period": "month",
            "next_refill_date": "2026-09-26T15:06:25Z",
            "included_this_period": 20000,
            "used_this_period": 6000 + place * 200,
            "extra_credits": 5000,
            "available": 19000 - place * 200,
        }
        await store.write(*Stamp(account, f"c{place}", 1, f"{at:%Y-%m-%dT%H:%M:%SZ}").credits(credits))
    return store


def _groups(chance: random.Random, failures: int) -> list[Fields]:
    groups: list[Fields] = []
    left = failures
    for code in ("30003", "30005", "30006", "30007", "21610", "30008"):
        count = min(left, int(failures * chance.uniform(0.05, 0.3)))
        left -= count
        groups.append({"error_code": code, "error_source": "twilio", "count": count})
    return [*groups, {"error_code": "E17", "error_source": "ac", "count": left}]
