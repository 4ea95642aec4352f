"""One broadcast: its fields, and its life as a function of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from ac_sms_async.sandbox.clock import local_stamp, utc_stamp
from ac_sms_async.sandbox.fates import Fates
from ac_sms_async.sandbox.people import Contact

#: In the order of a broadcast's life.
STATUSES = ("draft", "pending_review", "scheduled", "sending", "sent")


@define(slots=True)
class Pace:
    """
    How many seconds things take. Real reviews take up to two working days.

    `review`: pending_review to scheduled; `queue`: scheduled to sending, where no later date was asked for;
    `sending`: first to last message; `ai`: an AI request.
    """

    review: float = 1.0
    queue: float = 1.0
    sending: float = 2.0
    ai: float = 2.0


def _fates(given: Fates | dict[str, Any] | None) -> Fates | None:
    return Fates.read(given) if isinstance(given, dict) else given


def _contacts(given: Iterable[Contact | dict[str, Any]]) -> list[Contact]:
    return [each if isinstance(each, Contact) else Contact(**each) for each in given]


@define(slots=True)
class Broadcast:
    """
    A broadcast as the sandbox keeps it; times are epoch seconds.

    Nothing moves it along in the background: `status_at()` works out where it stands from when it was submitted.
    `seeded` ones were there from the start, and cost no credits until somebody sends them. `pinned` is the status of
    rows slipped in by a fault, which stay as they are.
    """

    id: int
    name: str
    body: str
    created_at: int
    updated_at: int
    created_by: int = 1
    updated_by: int = 1
    address_id: int | None = None
    media_urls: list[str] = field(factory=list[str])
    preview_url: str | None = None
    shorten_track_links_enabled: bool = False
    scheduled_date: int | None = None
    custom_run_id: str | None = None
    custom_segment_id: str | None = None
    scheduled_by: int | None = None
    sent_to_count: int | None = None
    deleted_at: int | None = None
    quiet_hours_enabled: int | None = 0
    list_ids: list[int] = field(factory=list[int])
    segment_id: str | None = None
    label_ids: list[int] | None = None

    seeded: bool = False
    pinned: str | None = None
    audience: int = 0
    sending_at: int | None = None
    sending_seconds: int = 0
    submitted_at: float | None = None
    approved_at: float = 0.0
    #: Where it stands in a list before the id decides: rows slipped in by a fault come first.
    rank: int = 0
    late: int = 0
    removed: list[int] = field(factory=list[int])
    #: What becomes of its messages, and who is the first to get them, where that was said and is not left to chance.
    fates: Fates | None = field(default=None, converter=_fates)
    contacts: list[Contact] = field(factory=list[Contact], converter=_contacts)

    def status_at(self, now: float) -> str:
        if self.pinned is not None:
            return self.pinned
        if self.submitted_at is None or self.sending_at is None or now < self.submitted_at:
            return "draft"
        if now < self.approved_at:
            return "pending_review"
        if now < self.sending_at:
            return "scheduled"
        return "sending" if now < self.sending_at + self.sending_seconds else "sent"

    def sent_at(self, now: float) -> int | None:
        """When the last message was sent, once it was."""
        if self.sending_at is None or self.status_at(now) != "sent":
            return None
        return self.sending_at + self.sending_seconds

    def submit(self, now: float, pace: Pace, audience: int) -> None:
        """Start the way to being sent: a review, then the scheduled date if there is one."""
        self.seeded = False
        self.pinned = None
        self.submitted_at = now
        self.approved_at = now + pace.review
        self.schedule(now, pace)
        self.sending_seconds = round(pace.sending)
        self.audience = audience
        self.sent_to_count = audience
        self.scheduled_by = 1

    def schedule(self, now: float, pace: Pace) -> None:
        """Have it go out when it is due: at its date, else as soon as it can."""
        self.sending_at = max(round(max(now, self.approved_at + pace.queue)), self.scheduled_date or 0)

    def back_to_draft(self) -> None:
        self.pinned = None
        self.submitted_at = None
        self.sending_at = None
        self.scheduled_by = None
        self.audience = 0

    def date_at(self, now: float, date_filter: str) -> int:
        """The second whose day the list's date filter looks at: sent, else scheduled, else created."""
        if date_filter == "created":
            return self.created_at
        return self.sent_at(now) or self.scheduled_date or self.created_at

    def to_json(self, now: float, base_url: str) -> dict[str, Any]:
        """The document's BroadcastMessage."""
        status = self.status_at(now)
        reviewed = int(status not in ("draft", "pending_review"))
        sent_at = self.sent_at(now)
        return {
            "id": self.id,
            "name": self.name,
            "address_id": self.address_id,
            "body": self.body,
            "media_urls": list(self.media_urls),
            "preview_url": self.preview_url or f"{base_url}/preview/{self.id}",
            "shorten_track_links_enabled": self.shorten_track_links_enabled,
            "status": status,
            "sent_date": None if sent_at is None else local_stamp(sent_at),
            "scheduled_date": None if self.scheduled_date is None else utc_stamp(self.scheduled_date),
            "custom_run_id": self.custom_run_id,
            "custom_segment_id": self.custom_segment_id,
            "scheduled_by": self.scheduled_by,
            "sent_to_count": self.sent_to_count,
            "created_at": local_stamp(self.created_at),
            "created_by": self.created_by,
            "updated_at": local_stamp(self.updated_at),
            "updated_by": self.updated_by,
            "deleted_at": None if self.deleted_at is None else local_stamp(self.deleted_at),
            "sift_approved": reviewed,
            "arc_approved": reviewed,
            "quiet_hours_enabled": self.quiet_hours_enabled,
            "list_ids": list(self.list_ids),
            "segment_id": self.segment_id,
            "label_ids": None if self.label_ids is None else list(self.label_ids),
        }
