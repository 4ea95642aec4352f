"""What a job collects, as it is kept in the database."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any, Self

from attrs import field, frozen

from ac_sms_async.collect.window import Detail, Window, details
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.fleet.errors import WorkerUnfitError

__all__ = ["Plan"]


@frozen
class Plan:
    """Which broadcasts, and which details of them; without more, what can still have changed since the last run."""

    window: Window = field(factory=Window.since_last)
    include: frozenset[Detail] = field(default=frozenset(), converter=details)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        value: dict[str, Any] = json.loads(self.window.spec(self.include))
        return value

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The plan that `to_json` has written. Raises `WorkerUnfitError` for what another release has."""
        try:
            plan = cls._read(value)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, ConfigurationError):
            plan = None
        if plan is None or plan.to_json() != value:
            # What isn't understood might be what narrows it.
            raise WorkerUnfitError("its plan is one of another release: upgrade here, or add the account again")
        return plan

    @classmethod
    def _read(cls, value: dict[str, Any]) -> Self:
        given = {name: part for name, part in value.items() if name not in ("mode", "include", "horizon_days")}
        for name in {"start", "end"} & given.keys():
            given[name] = date.fromisoformat(given[name])
        if "horizon_days" in value:
            given["horizon"] = timedelta(days=value["horizon_days"])
        return cls(Window(**given), frozenset(value["include"]))

    @property
    def key(self) -> str:
        """The same text for the same plan."""
        return self.window.spec(self.include)
