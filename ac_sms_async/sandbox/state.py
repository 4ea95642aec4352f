"""Everything that a sandbox knows: accounts, time, what was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ac_sms_async.sandbox.account import Account, Record
from ac_sms_async.sandbox.broadcast import Pace
from ac_sms_async.sandbox.clock import Clock
from ac_sms_async.sandbox.database import Database
from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.faults import Fault, Faults
from ac_sms_async.sandbox.guesses import Guesses
from ac_sms_async.sandbox.journal import Journal
from ac_sms_async.sandbox.own_data import Document, arrange
from ac_sms_async.sandbox.recipients import Views
from ac_sms_async.sandbox.seed import Seed

# "api" would make /api/3 ambiguous, and a leading underscore is the sandbox's own.
_ACCOUNT_NAME = re.compile(r"(?!api\Z)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z", re.ASCII)


def token_for(account: str) -> str:
    """The token of an account that was not given one: always the same, and long enough to be found in a log."""
    one, two, *_ = Draw("token", account).at(0)
    return f"{account}-{one:016x}{two:016x}"


def account_tokens(accounts: Iterable[str] | Mapping[str, str]) -> dict[str, str]:
    """Account names, or names and tokens, as names and tokens."""
    tokens: dict[str, str] = (
        {**accounts} if isinstance(accounts, Mapping) else {name: token_for(name) for name in accounts}
    )
    if not tokens:
        raise ValueError("a sandbox needs at least one account")
    for name, token in tokens.items():
        if not _ACCOUNT_NAME.match(name):
            raise ValueError(f"not an account name: {name!r}")
        if not token.strip() or not token.isascii():
            raise ValueError(f"not a token for account {name!r}: it must be ASCII and not empty")
    return tokens


class State:
    """The one state behind the API, the control paths, the page and the Python object."""

    def __init__(
        self,
        *,
        seed: Seed,
        tokens: Mapping[str, str],
        clock: Clock,
        pace: Pace,
        rate_limit: int | None,
        extra_credits: int,
        guesses: Guesses,
        faults: Iterable[Fault | str] = (),
        data: Document | None = None,
        database: Database | None = None,
    ) -> None:
        if rate_limit is not None and rate_limit < 1:
            raise ValueError("rate_limit must be at least 1, or None for no limit")
        self.seed = seed
        self.clock = clock
        self.pace = pace
        self.rate_limit = rate_limit
        self.extra_credits = extra_credits
        self.guesses = guesses
        self.faults: Faults = Faults(faults)
        self.journal: Journal = Journal()
        self.tokens = tokens
        self.accounts: dict[str, Account] = {}
        self.views: Views = Views()
        self._data = data
        self._database = database
        self._begin()
        if database is None or database.fresh:
            self._arrange()
        else:
            self._restore(database)

    def _restore(self, database: Database) -> None:
        last = database.last_moment()
        if last is not None:
            # Time never runs backwards from one run to the next, even where it was moved on by hand.
            self.clock.advance(max(0.0, last - self.clock.now()))
        for account, record in database.records():
            self.accounts[account].restore(record)

    def reset(self) -> None:
        """Back to the data of the beginning: whatever was written, asked, counted or made to fail is gone."""
        self.faults.clear()
        self.journal.clear()
        if self._database is not None:
            self._database.forget()
        self._begin()
        self._arrange()

    def _arrange(self) -> None:
        if self._data is not None:
            arrange(self._data, self.accounts)

    def _begin(self) -> None:
        self.views = Views()
        self.accounts = {
            name: Account(
                name,
                token,
                seed=self.seed,
                clock=self.clock,
                pace=self.pace,
                rate_limit=self.rate_limit,
                extra_credits=self.extra_credits,
                guesses=self.guesses,
                changed=self._changed,
            )
            for name, token in self.tokens.items()
        }

    def _changed(self, account: str, record: Record) -> None:
        if self._database is not None:
            self._database.keep(account, record)
            self._database.note_moment(self.clock.now())

    def close(self) -> None:
        """Let go of the file, if there is one; the next write opens it again."""
        if self._database is not None:
            self._database.note_moment(self.clock.now())
            self._database.close()

    @property
    def first(self) -> Account:
        return next(iter(self.accounts.values()))

    def account(self, name: str | None) -> Account:
        """The account of a name, the first one without; ValueError where there is none."""
        if name is None:
            return self.first
        if name not in self.accounts:
            raise ValueError(f"There is no account {name}.")
        return self.accounts[name]
