"""What the clients of an account share in an event loop: budget, strictest limit, how long answers take.

All of it takes time from the loop, so it needs no lock and runs on virtual time too.
"""

from __future__ import annotations

from typing import Protocol
from weakref import ref

from anyio.lowlevel import RunVar

from ac_sms_async.budget.budget import Budget, make_budget
from ac_sms_async.budget.limits import strictest
from ac_sms_async.budget.scope import Scope
from ac_sms_async.options import RateLimit
from ac_sms_async.transport.answer_times import AnswerTimes

__all__ = ["LONGEST_PAUSE", "Account", "Sharer", "account_state"]

LONGEST_PAUSE = 3600.0
"""A Retry-After gone mad must not silence an account for good."""


class Sharer(Protocol):
    """A client, as an account knows it."""

    def wake(self) -> None:
        """Something has changed for all: let those of its calls that wait decide anew."""
        ...


class Account:
    """One account, as its clients in one event loop share it."""

    def __init__(self, key: str, scope: Scope = "loop") -> None:
        self.key = key
        self.scope: Scope = scope
        self.budget: Budget = make_budget(scope, key)
        """Its limit is as strict as each of the clients'."""
        self._clients: dict[ref[Sharer], RateLimit | None] = {}
        self._answers: dict[str, AnswerTimes] = {}

    def join(self, client: Sharer, limit: RateLimit | None) -> None:
        """Hold to the client's limit for as long as it lives, or until it leaves."""
        # Whoever is forgotten by its program leaves by itself.
        self._clients[ref(client, self._without)] = limit
        self._settle_limit()

    def leave(self, client: Sharer) -> None:
        """The client is closed: its limit no longer counts."""
        self._without(ref(client))

    def _without(self, client: ref[Sharer]) -> None:
        self._clients.pop(client, None)
        self._settle_limit()

    def _settle_limit(self) -> None:
        limits = [limit for limit in self._clients.values() if limit is not None]
        # Nobody's is nobody's to loosen: the last one's stays for the log's sake.
        if self._clients:
            self.budget.limit = strictest(limits)
        else:
            self.budget.close()

    def answers(self, operation: str) -> AnswerTimes:
        """How long this operation's answers take; "" for those of all."""
        known = self._answers.get(operation)
        if known is None:
            known = self._answers[operation] = AnswerTimes()
        return known

    def pause(self, now: float, seconds: float) -> bool:
        """Let nobody start for that long, or longer where that was asked for before. False if a pause ran already."""
        first = self.budget.paused_until <= now
        if self.budget.pause(now, min(seconds, LONGEST_PAUSE)):
            self._wake_clients()
        return first

    def wake(self) -> None:
        """Let everybody who waits decide anew."""
        self.budget.wake()
        self._wake_clients()

    def _wake_clients(self) -> None:
        for client in filter(None, [known() for known in self._clients]):
            client.wake()

    def is_idle(self, now: float) -> bool:
        """Whether forgetting the account now would make no difference."""
        return not self._clients and self.budget.is_idle(now)


_accounts: RunVar[dict[tuple[str, Scope], Account]] = RunVar("ac_sms_async.accounts")


def account_state(key: str, client: Sharer, limit: RateLimit | None, now: float, scope: Scope = "loop") -> Account:
    """The running event loop's state of the account, which `client` shares as long as it lives."""
    try:
        accounts = _accounts.get()
    except LookupError:
        accounts = dict[tuple[str, Scope], Account]()
        _accounts.set(accounts)
    account = accounts.get((key, scope))
    if account is None:
        # Accounts stay beyond their clients, so that a new client can't start another budget in the same second; here
        # is the moment to forget those for which it no longer matters.
        if len(accounts) % 64 == 63:
            for idle in [known for known in accounts.values() if known.is_idle(now)]:
                del accounts[idle.key, idle.scope]
        account = accounts[key, scope] = Account(key, scope)
    account.join(client, limit)
    return account
