"""One account: its broadcasts, lists, AI requests and credits, and what can be done to them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from attrs import define

from ac_sms_async.sandbox.audience import Audience
from ac_sms_async.sandbox.body import parse_moment
from ac_sms_async.sandbox.broadcast import Broadcast, Pace
from ac_sms_async.sandbox.clock import Clock, naive_stamp
from ac_sms_async.sandbox.credits import Balance, credits_per_message, period
from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.fates import Counts
from ac_sms_async.sandbox.guesses import Guesses
from ac_sms_async.sandbox.limiter import Limiter
from ac_sms_async.sandbox.people import People
from ac_sms_async.sandbox.problem import bad_body, conflict, not_found, payment_required
from ac_sms_async.sandbox.query import EVERY_DAY, Window
from ac_sms_async.sandbox.seed import Seed, SubscriberList

#: No audience grows beyond this, whatever a request says.
LARGEST_AUDIENCE = 2_000_000


@define
class AIRequest:
    """A request to the AI: done at `due` (epoch seconds); `outcome` is None until then."""

    id: str
    source: str
    prompt: str
    tone: str
    due: float
    target: int | None = None
    outcome: str | None = None
    broadcast_id: int | None = None


#: What is written, and kept where there is a file.
Record = Broadcast | AIRequest | SubscriberList | Balance
Row = TypeVar("Row", Broadcast, SubscriberList)


class Account:
    """The state of one account. `changed` is called with every record that was written."""

    def __init__(
        self,
        name: str,
        token: str,
        *,
        seed: Seed,
        clock: Clock,
        pace: Pace,
        rate_limit: int | None,
        extra_credits: int,
        guesses: Guesses,
        changed: Callable[[str, Record], None],
    ) -> None:
        self.name = name
        self.token = token
        self.guesses = guesses
        self.limiter: Limiter = Limiter(rate_limit)
        self.ai_requests: dict[str, AIRequest] = {}
        self._seed = seed
        self.key: tuple[object, ...] = seed.key(name)
        self.balance: Balance = Balance(extra=extra_credits)
        self._clock = clock
        self._pace = pace
        self._changed = changed
        self._people = People(*self.key)
        self._ai_pending: list[AIRequest] = []
        self._audiences: dict[int, Audience] = {}
        self._broadcasts: dict[int, Broadcast] | None = None
        self._lists: dict[int, SubscriberList] | None = None

    @property
    def broadcasts(self) -> dict[int, Broadcast]:
        """All broadcasts by id, deleted ones too; made when first asked for, so that a start takes no time."""
        if self._broadcasts is None:
            self._broadcasts = self._seed.broadcasts_of(self.name)
        return self._broadcasts

    @property
    def lists(self) -> dict[int, SubscriberList]:
        if self._lists is None:
            self._lists = self._seed.lists(self.name)
        return self._lists

    @property
    def usual_audience(self) -> int:
        """How many a broadcast goes to where nothing is said."""
        return self._seed.recipients

    def now(self) -> float:
        """The sandbox's time in epoch seconds."""
        return self._clock.now()

    def json(self, broadcast: Broadcast, now: float) -> dict[str, Any]:
        """The document's BroadcastMessage."""
        return broadcast.to_json(now, f"https://{self.name}.example.com/sms")

    def live(self) -> list[Broadcast]:
        """Broadcasts that are not deleted, in the order of a list."""
        return self.in_order(broadcast for broadcast in self.broadcasts.values() if broadcast.deleted_at is None)

    def in_order(self, found: Iterable[Row]) -> list[Row]:
        """As a list has them where no order is asked for: by id, with rows slipped in by a fault first."""
        sign = -1 if self.guesses.order == "newest" else 1
        return sorted(found, key=lambda each: (each.rank, sign * each.id))

    def broadcast(self, broadcast_id: int) -> Broadcast:
        found = self.broadcasts.get(broadcast_id)
        if found is None or found.deleted_at is not None:
            raise not_found("Broadcast", broadcast_id, self.guesses.missing)
        return found

    def create(self, fields: dict[str, Any], now: float) -> Broadcast:
        """Write a new draft."""
        second = int(now)
        broadcast = Broadcast(self.new_id(), fields["name"], fields["body"], second, second)
        self._assign(broadcast, fields)
        self.broadcasts[broadcast.id] = broadcast
        self.save(broadcast)
        return broadcast

    def update(self, broadcast: Broadcast, fields: dict[str, Any], now: float) -> None:
        """Change what is given; `pending_review` sends it, `draft` takes it back while it can be."""
        before = broadcast.status_at(now)
        if before in ("sending", "sent"):
            raise conflict(f"The broadcast is {before}: it can no longer be changed.")
        wanted = fields.get("status", before)
        submits = wanted == "pending_review" and before == "draft"
        if submits:
            audience = self._audience_for(broadcast, fields)
            self._check_credits(fields.get("body", broadcast.body), audience)
            self._assign(broadcast, fields)
            broadcast.submit(now, self._pace, audience)
        else:
            self._assign(broadcast, fields)
            if wanted == "draft" and before != "draft":
                broadcast.back_to_draft()
            elif "scheduled_date" in fields and before != "draft":
                broadcast.schedule(now, self._pace)
        broadcast.updated_at = int(now)
        self._audiences.pop(broadcast.id, None)
        self.save(broadcast)

    def delete(self, broadcast: Broadcast, now: float) -> None:
        broadcast.deleted_at = int(now)
        self.save(broadcast)

    def new_id(self) -> int:
        """The id that the next broadcast gets."""
        return max(self.broadcasts, default=0) + 1

    def _assign(self, broadcast: Broadcast, fields: dict[str, Any]) -> None:
        for list_id in fields.get("list_ids") or ():
            if list_id not in self.lists:
                raise bad_body([("/list_ids", "field_invalid", f"No Result found for List with id {list_id}")])
        for name, value in fields.items():
            if name == "status":
                continue
            if name == "scheduled_date":
                value = None if value is None else parse_moment(value)
            elif name in ("media_urls", "list_ids") and value is None:
                value = []
            elif name == "shorten_track_links_enabled" and value is None:
                value = False
            setattr(broadcast, name, value)

    def _audience_for(self, broadcast: Broadcast, fields: dict[str, Any]) -> int:
        def chosen(name: str) -> Any:
            return fields.get(name, getattr(broadcast, name))

        wanted = chosen("sent_to_count")
        segment = chosen("custom_segment_id") or chosen("segment_id")
        if wanted is None and chosen("list_ids"):
            found = [self.lists[list_id] for list_id in chosen("list_ids") if list_id in self.lists]
            wanted = sum(each.subscriber_count for each in found)
        elif wanted is None and segment is not None:
            wanted = Draw(*self.key, "segment", segment).at(0)[0] % (self._seed.recipients + 1)
        if wanted is None:
            raise conflict("The broadcast has no audience: give it list_ids, a segment or sent_to_count first.")
        return int(min(wanted, LARGEST_AUDIENCE))

    # --- who it was sent to -------------------------------------------------------------------------------------

    def audience(self, broadcast: Broadcast, now: float) -> Audience | None:
        """Its recipients, or None where sending has not begun."""
        if broadcast.sending_at is None or broadcast.status_at(now) not in ("sending", "sent"):
            return None
        audience = self._audiences.get(broadcast.id)
        if audience is None:
            audience = self._audiences[broadcast.id] = Audience(
                self.key,
                broadcast.id,
                broadcast.audience,
                self._people,
                start=broadcast.sending_at,
                seconds=broadcast.sending_seconds,
                fates=broadcast.fates,
                contacts=broadcast.contacts,
            )
            audience.late = broadcast.late
            audience.removed.update(broadcast.removed)
        return audience

    def counts(self, broadcast: Broadcast, now: float, window: Window = EVERY_DAY) -> Counts:
        audience = self.audience(broadcast, now)
        return audience.counts(window.low, window.end_by(now), audience.reached(now)) if audience else Counts()

    def failures(self, broadcast: Broadcast, now: float, window: Window) -> dict[tuple[str, str], int]:
        audience = self.audience(broadcast, now)
        return audience.failure_groups(window.low, window.end_by(now), audience.reached(now)) if audience else {}

    # --- credits ------------------------------------------------------------------------------------------------

    def credits(self) -> dict[str, Any]:
        """The document's smsCredits."""
        now = self.now()
        start, end = period(now)
        included = 1000 + 10 * self._seed.recipients
        used = self.balance.spent + sum(
            self.counts(broadcast, now).sends * credits_per_message(broadcast.body)
            for broadcast in self.broadcasts.values()
            if not broadcast.seeded and broadcast.sending_at is not None and broadcast.sending_at >= start
        )
        return {
            "period": "month",
            "nextRefillDate": naive_stamp(end),
            "includedThisPeriod": included,
            "usedThisPeriod": used,
            "extra": self.balance.extra,
            "available": included - used + self.balance.extra,
        }

    def set_credits(self, available: int) -> None:
        """Have so many left: more of them were bought, or more were spent."""
        now = self.credits()
        missing = now["includedThisPeriod"] - now["usedThisPeriod"] - available
        self.balance = Balance(extra=max(0, -missing), spent=self.balance.spent + max(0, missing))
        self.save(self.balance)

    def _check_credits(self, body: str, audience: int) -> None:
        needed = audience * credits_per_message(body)
        available: int = self.credits()["available"]
        if needed > available:
            raise payment_required(needed, available)

    # --- AI -----------------------------------------------------------------------------------------------------

    def ask_ai(self, fields: dict[str, Any]) -> AIRequest:
        """Begin to write a new broadcast, or to rewrite `broadcastId`."""
        target = fields.get("broadcastId")
        if target is not None:
            status = self.broadcast(target).status_at(self.now())
            if status != "draft":
                raise conflict(f"The broadcast is {status}: only drafts can be rewritten.")
        elif self.guesses.ai_id == "at_once":
            target = self.create({"name": _ai_name(fields["prompt"]), "body": ""}, self.now()).id
        one, two, *_ = Draw(*self.key, "ai").at(len(self.ai_requests))
        request = AIRequest(
            id=str(uuid.UUID(int=one << 64 | two, version=4)),
            source=fields["source"],
            prompt=fields["prompt"],
            tone=fields["tone"],
            due=self.now() + self._pace.ai,
            target=target,
        )
        self.ai_requests[request.id] = request
        self._ai_pending.append(request)
        self.save(request)
        return request

    def settle(self) -> None:
        """Finish the AI requests that are due: to be called before anything is looked at or done."""
        if not self._ai_pending:
            return
        now = self.now()
        due = [request for request in self._ai_pending if request.due <= now]
        self._ai_pending = [request for request in self._ai_pending if request.due > now]
        for request in due:
            self._finish(request)

    def _finish(self, request: AIRequest) -> None:
        body = f"{request.prompt} ({request.tone}). Reply STOP to opt out"
        target = None if request.target is None else self.broadcasts[request.target]
        gone = target is not None and (target.deleted_at is not None or target.status_at(request.due) != "draft")
        if gone or "fail" in request.prompt.lower():
            request.outcome = "error"
        elif target is not None:
            target.body = body
            target.updated_at = int(request.due)
            self.save(target)
            request.outcome, request.broadcast_id = "success", target.id
        else:
            broadcast = self.create({"name": _ai_name(request.prompt), "body": body}, self.now())
            request.outcome, request.broadcast_id = "success", broadcast.id
        self.save(request)

    def ai_json(self, request: AIRequest) -> dict[str, Any]:
        """The document's AIBroadcastStatus."""
        broadcast_id = request.broadcast_id
        if self.guesses.ai_id == "at_once":
            broadcast_id = request.target
        elif self.guesses.ai_id == "later" and self.now() < request.due + self._pace.ai:
            broadcast_id = None
        return {"source": request.source, "status": request.outcome or "in_progress", "broadcastId": broadcast_id}

    # --- keeping ------------------------------------------------------------------------------------------------

    def save(self, record: Record) -> None:
        self._changed(self.name, record)

    def restore(self, record: Record) -> None:
        """Take back a record that was kept from an earlier run."""
        if isinstance(record, Broadcast):
            self.broadcasts[record.id] = record
        elif isinstance(record, SubscriberList):
            self.lists[record.id] = record
        elif isinstance(record, Balance):
            self.balance = record
        else:
            self.ai_requests[record.id] = record
            if record.outcome is None:
                self._ai_pending.append(record)


def _ai_name(prompt: str) -> str:
    return f"AI: {prompt[:40]}"
