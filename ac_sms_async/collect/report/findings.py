"""What can be said of broadcasts beside each other: which were unusual, which best, when and how long they were."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from ac_sms_async.collect.report.counts import RATES, RateName, Sum, pair
from ac_sms_async.collect.report.data import BroadcastLine, HourLine, LengthLine, ListLine, UnusualLine
from ac_sms_async.collect.report.statistics import Pair, Usual, limit, shrunk, weight_of_mean, wilson
from ac_sms_async.segments import estimate_segments

__all__ = [
    "best_and_worst",
    "by_hour",
    "by_length",
    "by_list",
    "comparable",
    "most",
    "unusual_among",
    "usual_of",
]

Key = TypeVar("Key")

_RANKED = 5
_MOST_LISTS = 20
_MOST_EARLIER = 1000
"""More tell no more of what is usual."""
_MOST_BODIES = 10_000
"""What segments a body takes needs some time: those of the newest broadcasts tell enough."""
_EACH_ONCE: tuple[RateName, ...] = ("delivery", "failure", "opt_out")
"""A message fails once, and a contact opts out once; clicks and replies may be several."""
_LOOKED_AT: tuple[RateName, ...] = ("failure", "click", "reply", "opt_out")
"""What isn't delivered has failed, for the most part: one of the two says it."""


def comparable(line: BroadcastLine, rate: RateName) -> Pair | None:
    """Part and whole of a broadcast's rate, where it can be held against others: clicks need a link."""
    return None if rate == "click" and not line.link else pair(line.row, rate)


def _pairs(lines: Iterable[BroadcastLine], rate: RateName) -> list[Pair]:
    return [found for line in lines if (found := comparable(line, rate)) is not None]


def usual_of(earlier: Sequence[BroadcastLine]) -> dict[tuple[str, RateName], Usual | None]:
    """What is usual for each account and rate, by the broadcasts before, newest first."""
    accounts: dict[str, list[BroadcastLine]] = {}
    for line in earlier:
        lines = accounts.setdefault(line.account, [])
        if len(lines) < _MOST_EARLIER:
            lines.append(line)
    return {
        (name, rate): Usual.of(_pairs(lines, rate), each_once=rate in _EACH_ONCE)
        for name, lines in accounts.items()
        for rate in RATES
    }


def unusual_among(
    lines: Sequence[BroadcastLine], usual: Mapping[tuple[str, RateName], Usual | None]
) -> tuple[list[UnusualLine], int]:
    """Broadcasts far from what is usual, the farthest first; and how many could be held against it."""
    scored: list[UnusualLine] = []
    compared: set[tuple[str, int]] = set()
    known = [(key, found) for key, found in usual.items() if found is not None and key[1] in _LOOKED_AT]
    of_account: dict[str, list[tuple[RateName, Usual]]] = {}
    for (name, rate), found in known:
        of_account.setdefault(name, []).append((rate, found))
    for line in lines:
        for rate, found in of_account.get(line.account, ()):
            its = comparable(line, rate)
            if its is not None:
                compared.add((line.account, line.broadcast_id))
                scored.append(UnusualLine(line, rate, its[0] / its[1], found.rate, found.score(*its)))
    most = limit(len(scored))
    far = [entry for entry in scored if abs(entry.score) > most]
    return sorted(far, key=lambda entry: -abs(entry.score)), len(compared)


def best_and_worst(lines: Sequence[BroadcastLine], rate: RateName) -> tuple[list[BroadcastLine], list[BroadcastLine]]:
    """The best and the worst by clicks or replies, each rate drawn towards the mean as far as it rests on little."""
    found = [(line, its) for line in lines if (its := comparable(line, rate)) is not None]
    pairs: dict[str, list[Pair]] = {}
    for line, its in found:
        pairs.setdefault(line.account, []).append(its)
    means = {account: weight_of_mean(known) for account, known in pairs.items()}
    ranked = [
        (shrunk(part, whole, *means[line.account]), whole, -line.broadcast_id, part, line)
        for line, (part, whole) in found
    ]
    # Nothing is both: of three broadcasts one is best, and one worst.
    count = min(_RANKED, len(ranked) // 2)
    best = [line for *_, part, line in heapq.nlargest(count, ranked, key=_by_rank) if part]
    return best, [line for *_, line in heapq.nsmallest(count, ranked, key=_by_rank)]


def _by_rank(entry: tuple[float, int, int, int, BroadcastLine]) -> tuple[float, int, int]:
    return entry[:3]


def most(lines: Sequence[BroadcastLine], rate: RateName) -> list[BroadcastLine]:
    """Those of which it is surest that much failed, or that many opted out: by the lower bound of the rate."""
    ranked = [
        (wilson(*its)[0], -line.broadcast_id, line)
        for line in lines
        if (its := pair(line.row, rate)) is not None and its[0]
    ]
    return [line for *_, line in heapq.nlargest(_RANKED, ranked, key=lambda entry: entry[:2])]


def by_list(lines: Sequence[BroadcastLine], names: Mapping[tuple[str, int], str]) -> list[ListLine]:
    """What came of the broadcasts to each list, the largest first; a broadcast to several counts for each of them."""
    found: dict[tuple[str, int], Sum] = {}
    for line in lines:
        for list_id in _ids(line.list_ids):
            _sum(found, (line.account, list_id)).add(line.row)
    rows = [ListLine(key[0], names.get(key, f"list {key[1]}"), total.counts()) for key, total in found.items()]
    return sorted(rows, key=lambda row: (-(row.counts.sends or 0), row.account, row.name))[:_MOST_LISTS]


def _sum(sums: dict[Key, Sum], key: Key) -> Sum:
    total = sums.get(key)
    if total is None:
        total = sums[key] = Sum()
    return total


@lru_cache(maxsize=4096)
def _ids(text: str | None) -> frozenset[int]:
    given: Any = json.loads(text) if text is not None else None
    if not isinstance(given, list):
        return frozenset()
    # True is an int to Python, and no list.
    return frozenset(
        {item for item in cast("list[object]", given) if isinstance(item, int) and not isinstance(item, bool)}
    )


def by_length(lines: Sequence[BroadcastLine]) -> list[LengthLine]:
    """What came of the newest broadcasts by their length and whether they have a link."""
    found: dict[tuple[int, bool], Sum] = {}
    segments: dict[str, int] = {}
    for line in lines[:_MOST_BODIES]:
        if line.body not in segments:
            segments[line.body] = min(max(estimate_segments(line.body).segments, 1), 3)
        _sum(found, (segments[line.body], line.link)).add(line.row)
    return [LengthLine(*key, found[key].counts()) for key in sorted(found)]


def by_hour(lines: Sequence[BroadcastLine], rate: RateName) -> list[HourLine]:
    """How many were sent on each day of the week and hour, and what came of them."""
    sums: dict[tuple[int, int], list[int]] = {}
    for line in lines:
        found = comparable(line, rate)
        entry = sums.setdefault((line.at.weekday(), line.at.hour), [0, 0, 0])
        entry[0] += 1
        if found is not None:
            entry[1] += found[0]
            entry[2] += found[1]
    return [
        HourLine(weekday, hour, count, part / whole if whole else None)
        for (weekday, hour), (count, part, whole) in sorted(sums.items())
    ]
