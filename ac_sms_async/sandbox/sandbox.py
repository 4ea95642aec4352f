"""The sandbox as a Python object: its state, its application, and its server while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
from attrs import frozen

from ac_sms_async.sandbox.app import App
from ac_sms_async.sandbox.broadcast import Pace
from ac_sms_async.sandbox.clock import Clock
from ac_sms_async.sandbox.database import Database, Setup
from ac_sms_async.sandbox.faults import Fault, Faults
from ac_sms_async.sandbox.guard import is_loopback
from ac_sms_async.sandbox.guesses import Guesses
from ac_sms_async.sandbox.journal import Journal
from ac_sms_async.sandbox.own_data import add_broadcast, add_list, read_document, set_credits
from ac_sms_async.sandbox.seed import Seed
from ac_sms_async.sandbox.server import Server
from ac_sms_async.sandbox.state import State, account_tokens


@frozen
class AccountAccess:
    """How to reach one account: `url` is what a client takes as its base URL."""

    name: str
    url: str
    token: str


class Sandbox:
    """
    A stateful ActiveCampaign SMS look-alike: `async with Sandbox() as s:` or `with Sandbox() as s:` serves it.

    It listens on a real port in a thread of its own, so callers on asyncio, trio and without any loop can use it.
    `app` is the same as an ASGI application, for tests without sockets.

    `seed` (0), `broadcasts` (50) and `recipients` (200) say what data it begins with: broadcast 1 has exactly
    `recipients`, the others have fewer; `end` is the day (in America/Chicago) up to which broadcasts were sent, today
    by the clock if left out; `accounts` ("acme") are names, or names with tokens; `rate_limit` is requests
    in any sliding second and account, None for no limit; `extra_credits` are those bought beyond the monthly ones;
    `pace` is how long reviews, sending and AI take; `clock` is real time unless told otherwise; `guesses` are
    what it does where the real server is not known; `faults` are in force from the start; `data` are broadcasts, lists
    and credits of your own, as a dict or a YAML or JSON file; `db` is a SQLite file that keeps everything, and knows
    what it was made with (`data` is for the first time only).
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        broadcasts: int | None = None,
        recipients: int | None = None,
        end: date | None = None,
        accounts: Iterable[str] | Mapping[str, str] | None = None,
        rate_limit: int | None = 5,
        extra_credits: int = 9040,
        pace: Pace | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        guesses: Guesses | None = None,
        faults: Iterable[Fault | str] = (),
        data: Path | str | Mapping[str, Any] | None = None,
        db: Path | str | None = None,
    ) -> None:
        self.clock: Clock = clock or Clock()
        document = read_document(data) if isinstance(data, str | Path) else data
        database = None if db is None else Database(db)
        try:
            with database.whole() if database is not None else nullcontext():
                setup = _setup(database, self.clock, seed, broadcasts, recipients, end, accounts)
                state = State(
                    seed=Seed(setup.seed, setup.broadcasts, setup.recipients, end=setup.end),
                    tokens=setup.accounts,
                    data=document,
                    database=database,
                    clock=self.clock,
                    pace=pace or Pace(),
                    rate_limit=rate_limit,
                    extra_credits=extra_credits,
                    guesses=guesses or Guesses(),
                    faults=faults,
                )
        except BaseException:
            if database is not None:
                database.close()
            raise
        self.state: State = state
        self.app: App = App(self.state, open_to_others=not is_loopback(host))
        self._host = host
        self._port = port
        self._server: Server | None = None

    # --- while it runs ------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base URL of the first account, "http://127.0.0.1:40123"; the API is at `/api/3` under it."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running: use `with Sandbox() as s`, or call start()")
        return self._server.url

    @property
    def token(self) -> str:
        """Token of the first account."""
        return self.state.first.token

    @property
    def accounts(self) -> dict[str, AccountAccess]:
        """URL and token of every account, by name."""
        return {
            name: AccountAccess(name, f"{self.url}/{name}", account.token)
            for name, account in self.state.accounts.items()
        }

    def start(self) -> Self:
        """Begin to serve; for when no `with` fits."""
        if self._server is not None:
            raise RuntimeError("the sandbox is running already")
        try:
            self._server = Server(self.app, self._host, self._port)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End serving and drop every connection; the state stays readable. Can be called twice."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self.state.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)

    # --- what it has seen, and what to do to it -----------------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The requests that arrived."""
        return self.state.journal

    @property
    def faults(self) -> Faults:
        """What goes wrong: `sandbox.faults.add("429", "getBroadcastMetrics", nth=3, retry_after="2")`."""
        return self.state.faults

    def add_broadcast(
        self,
        name: str,
        *,
        body: str | None = None,
        sent: datetime | None = None,
        list_ids: Iterable[int] | None = None,
        sends: int | None = None,
        clicks: int | None = None,
        opt_outs: int | None = None,
        failures: Mapping[str, int] | None = None,
        replies: Iterable[str] | None = None,
        contacts: Iterable[Mapping[str, str]] | None = None,
        account: str | None = None,
    ) -> int:
        """
        Have a broadcast with these numbers; what isn't said is made up so that it adds up. Returns its id.

        `sent` (aware) is just now if left out. Of the past, all has happened by now; one of the future goes out then,
        and its answers come over weeks. `failures` are counts by error code, `replies` what was answered beside the
        STOP of everybody who opts out, `contacts` who it went to first, each with name, phone, email or some of them.
        Raises ValueError where it can't be.
        """
        given = {
            "name": name,
            "body": body,
            "sent": sent,
            "list_ids": None if list_ids is None else list(list_ids),
            "sends": sends,
            "clicks": clicks,
            "opt_outs": opt_outs,
            "failures": None if failures is None else dict(failures),
            "replies": None if replies is None else list(replies),
            "contacts": None if contacts is None else [dict(contact) for contact in contacts],
        }
        return add_broadcast(self.state.account(account), given).id

    def add_list(self, name: str, subscriber_count: int, *, account: str | None = None) -> int:
        """Have a list with so many subscribers; returns its id."""
        return add_list(self.state.account(account), {"name": name, "subscriber_count": subscriber_count}).id

    def set_credits(self, available: int, *, account: str | None = None) -> None:
        """Have so many credits left."""
        set_credits(self.state.account(account), {"available": available})

    def peak_rate(self, account: str | None = None) -> int:
        """Greatest number of requests in any sliding second, of one account or of the busiest."""
        return self.journal.peak_rate(account)

    def reset(self) -> None:
        """Back to the data of the beginning, with an empty journal and without faults."""
        self.state.reset()


def _setup(
    database: Database | None,
    clock: Clock,
    seed: int | None,
    broadcasts: int | None,
    recipients: int | None,
    end: date | None,
    accounts: Iterable[str] | Mapping[str, str] | None,
) -> Setup:
    """What is given, else what the file was made with, else the defaults; a file is not made into another one."""
    if isinstance(end, datetime):
        raise TypeError("end is a day, a datetime.date: it has no time")
    known = database.setup() if database is not None else None
    usual = known or Setup(0, 50, 200, clock.first_day(), account_tokens(("acme",)))
    wanted = Setup(
        seed=usual.seed if seed is None else seed,
        broadcasts=usual.broadcasts if broadcasts is None else broadcasts,
        recipients=usual.recipients if recipients is None else recipients,
        end=usual.end if end is None else end,
        accounts=usual.accounts if accounts is None else account_tokens(accounts),
    )
    if known is not None and wanted != known:
        raise ValueError(f"the file was made with other data: {known}")
    if database is not None and known is None:
        database.begin(wanted)
    return wanted
