"""What a client and its views share: connections, slots, the account's budget, and the event loop they belong to."""

from __future__ import annotations

import itertools
import logging
import random
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import anyio
from anyio.lowlevel import current_token

from ac_sms_async.budget.budget import maker_of
from ac_sms_async.budget.scope import Scope, default_scope, is_played
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.line import Line
from ac_sms_async.options import RateLimit
from ac_sms_async.transport.account import Account, account_state
from ac_sms_async.transport.backends import Backend
from ac_sms_async.transport.bodies import JSONLoads
from ac_sms_async.transport.events import Event, EventHandler
from ac_sms_async.transport.redaction import Redaction
from ac_sms_async.transport.slots import Slots

__all__ = ["Core", "logger"]

logger: logging.Logger = logging.getLogger("ac_sms_async")

_call_ids = itertools.count(1)


class Core:
    """Made without a loop and without I/O; its first call binds it to the running event loop.

    `clock` is that loop's time, `account` its state of the account, `backend` the connections: they are there after
    `enter`.
    """

    account: Account
    backend: Backend
    clock: Callable[[], float]

    def __init__(
        self,
        *,
        account: str,
        base_url: str,
        token: str,
        make_backend: Callable[[], Backend],
        rate_limit: RateLimit | None,
        budget: Scope | None,
        may_be_shared: bool,
        max_concurrency: int,
        loads: JSONLoads,
        on_event: EventHandler | None,
        before_start: Callable[[], object] | None,
    ) -> None:
        self.account_key = account
        self.base_url = base_url
        self.slots: Slots = Slots(max_concurrency)
        self.resting: Line = Line()
        self.loads = loads
        self.redact: Redaction = Redaction(token)
        self.is_observed: bool = on_event is not None
        self._handle: EventHandler = on_event or _nobody
        self.before_start = before_start
        self.random: Callable[[], float] = random.random
        self.closed: bool = False
        self.is_degraded: bool = False
        """Whether the budget's database was gone when that was told last."""
        self._make_backend = make_backend
        self._rate_limit = rate_limit
        self._is_scope_given = budget is not None
        self.scope: Scope = budget or default_scope(rate_limit, may_be_shared=may_be_shared)
        # Imported now, and not in the middle of the first call.
        maker_of(self.scope)
        self._loop: object = None

    def enter(self) -> None:
        """Check at the start of each call that the client is open and in its own event loop."""
        self.check_open()
        loop = _running_loop()
        if loop != self._loop:
            self._bind(loop)

    def check_open(self) -> None:
        """Refuse to go on once the client is closed."""
        if self.closed:
            raise ConfigurationError("this client is closed; make another one")

    def _bind(self, loop: object) -> None:
        if self._loop is not None:
            if not _is_gone(self._loop):
                raise ConfigurationError("this client belongs to another event loop; make one client in each loop")
            # Nothing of it can be waited for any more: no connection closed, no slot given back.
            self.slots = Slots(self.slots.size)
            self.resting = Line()
        if not self._is_scope_given and self.scope == "machine" and is_played():
            # What is made up there must not reach the budget of a real account.
            self.scope = "loop"
        import asyncio

        asyncio_loop = anyio.get_cancelled_exc_class() is asyncio.CancelledError
        self.clock = asyncio.get_running_loop().time if asyncio_loop else anyio.current_time
        self.account = account_state(self.account_key, self, self._rate_limit, self.clock(), self.scope)
        self.backend = self._make_backend()
        self._loop = loop

    def next_call_id(self) -> int:
        """A number for a call that no other call of the process has."""
        return next(_call_ids)

    def emit(self, event: Event) -> None:
        """Hand an event to `on_event`; what that raises must not reach the call."""
        try:
            self._handle(event)
        except Exception:
            logger.exception("on_event failed on %s", type(event).__name__)

    async def aclose(self) -> None:
        """Close all connections. Calls under way end first, each with its own."""
        if self.closed:
            return
        if self._loop is None or _is_gone(self._loop):
            self.closed = True
            return
        if _running_loop() != self._loop:
            raise ConfigurationError("this client belongs to another event loop; close it there")
        self.closed = True
        # Its calls that wait are refused, now and not when their turn comes; its limit holds nobody else any more.
        self.account.leave(self)
        self.account.wake()
        self.wake()
        await self.backend.aclose()

    def wake(self) -> None:
        """Let the calls that wait for a slot or for their next attempt decide anew."""
        self.slots.wake()
        self.resting.wake_all()

    def __reduce__(self) -> NoReturn:
        # Its connections cannot travel, and the token must not: it would stand in the pickle.
        raise TypeError("a client cannot be pickled or deep-copied; make one in each process")

    def __del__(self, _warn: Callable[..., Any] = warnings.warn) -> None:
        # `closed` is missing where __init__ was never run, `_loop` is None where nothing was ever opened.
        if not getattr(self, "closed", True) and self._loop is not None:
            _warn(
                f"unclosed client of {self.account_key}; use `async with` or `aclose()`", ResourceWarning, source=self
            )


def _nobody(event: Event) -> None:
    """What handles events where nobody asked for them."""


def _running_loop() -> object:
    """Something that is equal for two moments in one event loop only. On asyncio the quick way."""
    # Whoever runs asyncio has imported it; with the package it would be a fifth of the import, on trio for nothing.
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return current_token().native_token


def _is_gone(loop: Any) -> bool:
    """Whether an event loop has ended for good."""
    import asyncio

    if isinstance(loop, asyncio.AbstractEventLoop):
        return loop.is_closed()
    import trio

    try:
        loop.run_sync_soon(_nothing)
    except trio.RunFinishedError:
        return True
    return False


def _nothing() -> None:
    """What a loop can be asked to do, to see whether it still does anything."""
