"""What of a broadcast is worth a request: decided from what the store knows of it and what was just seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from ac_sms_async.collect.rows import COUNTS, Fields, moment
from ac_sms_async.collect.store.protocol import Value

__all__ = [
    "REFRESH",
    "Counts",
    "Known",
    "counts_text",
    "failures_of",
    "is_healed",
    "is_sent",
    "is_stale",
    "must_count",
    "needs_failures",
    "needs_recipients",
    "owed_details",
    "unsure",
]

REFRESH = timedelta(days=30)
"""A full run reads failure groups again after so long, even where the counts say that they are the same."""

_SENT = ("sent", "sending")
_UNSURE = "?"

Counts = tuple[Value, ...]


@frozen
class Known:
    """What the store knew of a broadcast before it was looked at again."""

    status: Value = None
    sent_date: Value = None
    counts: Counts | None = None
    """Its counts, as `COUNTS` names them, or None where it was never counted."""
    groups: Value = None
    """How many messages its failure groups tell of, or None where there are none."""
    failures_counts: str | None = None
    """The counts that its failure groups were fetched under."""
    failures_at: Value = None
    recipients_counts: str | None = None


def counts_text(counts: Counts | None) -> str | None:
    """Counts as the text that is kept with what was fetched under them."""
    return None if counts is None else ",".join("" if count is None else str(count) for count in counts)


def unsure(counts: str | None) -> str | None:
    """The text for what may have been fetched under other counts: it equals none."""
    return None if counts is None else _UNSURE + counts


def failures_of(counts: str | None) -> int | None:
    """How many failures a text of counts tells of, or None."""
    failures = "" if counts is None else counts.removeprefix(_UNSURE).split(",")[COUNTS.index("failures")]
    return int(failures) if failures else None


def is_sent(status: Value) -> bool:
    """Whether there may be something to fetch of a broadcast, for all that is known."""
    return status in _SENT


def must_count(seen: Fields, known: Known, since: datetime | None) -> bool:
    """Whether the counts of a listed broadcast may have moved. `since`: what was sent before it has come to rest."""
    if since is None or known.counts is None or seen["status"] != "sent":
        return True
    if (seen["status"], seen["sent_date"]) != (known.status, known.sent_date):
        return True
    return seen["sent_date"] is None or str(seen["sent_date"]) >= moment(since)


def needs_failures(status: Value, counts: Counts | None, known: Known, *, now: datetime | None, again: bool) -> bool:
    """Whether failure groups are to be fetched. `now` None: whatever their age. `again`: in any case."""
    if counts is None:
        # Sent, but without counts: ask, rather than take it that nothing failed.
        return is_sent(status)
    failures = counts[COUNTS.index("failures")]
    if failures == 0:
        return False
    same = known.failures_counts == counts_text(counts) and known.groups == failures
    return again or not same or (now is not None and not _is_recent(known.failures_at, now))


def needs_recipients(status: Value, counts: Counts | None, known: Known, *, all_anew: bool) -> bool:
    """Whether recipients are to be fetched. `all_anew`: also where no count has moved."""
    if counts is None:
        return is_sent(status)
    if counts[COUNTS.index("sends")] == 0:
        return False
    return all_anew or known.recipients_counts != counts_text(counts)


def owed_details(known: Known) -> Mapping[str, bool]:
    """Which details of a broadcast that came to rest were never fetched, or not since its counts last moved."""
    # Where the groups don't add up to the failures, they won't tomorrow either: that is for a full run to look at.
    return {
        "failures": is_stale(known) and needs_failures(None, known.counts, known, now=None, again=False),
        "recipients": needs_recipients(None, known.counts, known, all_anew=False),
    }


def is_stale(known: Known) -> bool:
    """Whether failure groups were not fetched since the counts last moved."""
    return known.failures_counts != counts_text(known.counts)


def is_healed(counts: Counts | None, known: Known) -> bool:
    """Whether nothing failed, as we know now, though the store has failure groups."""
    return counts is not None and counts[COUNTS.index("failures")] == 0 and known.groups is not None


def _is_recent(at: Value, now: datetime) -> bool:
    # A time from the future says nothing about when it was.
    return at is not None and moment(now - REFRESH) <= str(at) <= moment(now)
