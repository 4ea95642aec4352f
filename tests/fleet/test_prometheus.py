"""The status as Prometheus reads it: read back by the rules of its text format, version 0.0.4."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from ac_sms_async.fleet import AccountStatus, FleetStatus
from ac_sms_async.fleet.prometheus import prometheus_text

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? (\S+)")
ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """The samples by name and labels. Fails where a line is none, or stands where it must not."""
    assert text.endswith("\n")
    samples: Samples = {}
    families: list[str] = []
    lines = text[:-1].split("\n")
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("# HELP "):
            families.append(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert before.startswith(f"# HELP {name} ")
            assert kind in ("gauge", "counter")
            assert name.endswith("_total") == (kind == "counter")
        else:
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            # All lines of a metric stand together.
            assert found[1] == families[-1]
            pairs = [(label, re.sub(r"\\.", lambda e: ESCAPES[e[0]], text)) for label, text in re.findall(LABEL, line)]
            assert len(dict(pairs)) == len(pairs)
            key = found[1], frozenset(pairs)
            assert key not in samples, "twice the same"
            samples[key] = float(found[5])
    assert len(set(families)) == len(families)
    assert all(re.fullmatch(NAME, name) for name in families)
    return samples


def an_account(name: str, **more: Any) -> AccountStatus:
    """One that was never collected, but for what is said."""
    nothing = ("schedule", "next_at", "last_success_at", "last_ended_at", "reason", "error")
    given: dict[str, Any] = dict.fromkeys(nothing)
    given |= {"url": "https://acme.example", "state": "new", "priority": 0, "lag": 1.5, "requests": 0, "rows": 0}
    given |= more
    return AccountStatus(name=name, **given)


def test_it_is_read_back_as_it_was() -> None:
    at = datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
    odd = 'a "quoted"\\\nname, {of} ümlauts'
    status = FleetStatus(
        accounts=[
            an_account("acme", state="ok", last_success_at=at, requests=2**53, rows=123_456_789_012),
            an_account(odd, state="failing", reason="AuthenticationError", error="401\nno"),
        ],
        jobs={"todo": 1, "doing": 2, "failed": 3},
        workers=4,
        requests_per_second=9.5,
        rows_per_second=1e-9,
    )
    samples = parsed(prometheus_text(status))

    def sample(name: str, **labels: str) -> float:
        return samples.pop((f"ac_sms_fleet_{name}", frozenset(labels.items())))

    assert sample("workers") == 4
    assert [sample("jobs", status=name) for name in ("todo", "doing", "failed")] == [1, 2, 3]
    assert sample("account_state", account="acme", state="ok") == 1
    assert sample("account_state", account=odd, state="failing") == 1
    assert sample("account_failure", account=odd, reason="AuthenticationError") == 1
    assert sample("account_last_success_timestamp_seconds", account="acme") == at.timestamp()
    for name in ("acme", odd):
        assert sample("account_lag_seconds", account=name) == 1.5
    assert sample("requests_total", account="acme") == 2**53
    assert sample("rows_total", account="acme") == 123_456_789_012
    assert sample("requests_total", account=odd) == sample("rows_total", account=odd) == 0
    assert samples == {}


def test_a_fleet_without_accounts_is_valid_too() -> None:
    empty = FleetStatus(accounts=[], jobs={}, workers=0, requests_per_second=0.0, rows_per_second=0.0)
    assert parsed(prometheus_text(empty)) == {("ac_sms_fleet_workers", frozenset()): 0}
    assert parsed(prometheus_text(evolve(empty, workers=7)))[("ac_sms_fleet_workers", frozenset())] == 7
