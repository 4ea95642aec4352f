"""A database that keeps budgets, made up on the running loop's time: near, far, or gone."""

from __future__ import annotations

import math

import anyio
from attrs import define, evolve, field

from ac_sms_async.budget import ledger as rules
from ac_sms_async.budget.ledger import Ledger
from ac_sms_async.budget.limits import agree
from ac_sms_async.budget.scope import Database
from ac_sms_async.budget.store import PATIENCE, Answer, Request
from ac_sms_async.options import Priority, RateLimit


@define(eq=False)
class Server:
    """Keeps ledgers by the rules in Python."""

    distance: float = 0.0
    """Seconds that an answer takes."""
    is_gone: bool = False
    ledger: Ledger = field(factory=Ledger)
    told: list[str] = field(factory=list[str])
    links: list[FarLink] = field(factory=list["FarLink"])

    def link_to(self, database: Database, user: object) -> FarLink:
        """Instead of `link.link_to`."""
        for link in self.links:
            if link.user is user:
                return link
        self.links.append(FarLink(self, user))
        return self.links[-1]

    def turn(self, request: Request) -> Answer:
        """As `turn` in postgres.sql."""
        now, ledger = anyio.current_time(), self.ledger
        self.told.append(request.act)
        priority: Priority = "bulk" if request.bulk else "interactive"
        limit = None
        if request.requests is not None:
            limit = RateLimit(request.requests, per=request.window, margin=0, reserve=request.reserve)
        limit = agree(ledger.limits, limit, now)
        wait = 0.0
        match request.act:
            case "look":
                wait = rules.look(ledger, limit, now, request.me, priority)
                if wait <= 0:
                    rules.enter(ledger, limit, now, request.me, priority, request.number, again=request.again)
            case "leave":
                rules.leave(ledger, request.me, priority)
            case "move":
                rules.move(ledger, request.number, request.until)
            case "forget":
                rules.forget(ledger, request.number)
            case "pause":
                rules.pause(ledger, request.until)
            case "return":
                for _ in range(request.requests or 0):
                    rules.move(ledger, -1 - len(ledger.starts), request.until - request.window)
            case other:
                raise AssertionError(other)
        starts = [start - now for start, _ in ledger.starts]
        held = None if limit is None else (limit.requests, limit.window)
        return Answer(wait, starts, ledger.paused_until - now, ledger.since_bulk, limit=held)


@define(eq=False)
class FarLink:
    """As `link.Link`."""

    server: Server
    user: object
    trouble: str = "OperationalError"
    is_closed: bool = False

    async def ask(self, request: Request, *, patience: float = math.inf) -> Answer | None:
        if self.server.is_gone:
            await anyio.sleep(PATIENCE)
            return None
        await anyio.sleep(self.server.distance / 2)
        answer = self.server.turn(request)
        await anyio.sleep(self.server.distance / 2)
        return evolve(answer)

    def tell(self, request: Request) -> None:
        if not self.server.is_gone:
            self.server.turn(request)

    def leave(self, user: object) -> None:
        assert user is self.user
        self.is_closed = True
