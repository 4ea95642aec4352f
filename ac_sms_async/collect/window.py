"""Which broadcasts a run collects."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Literal, Self

from attrs import field, frozen

from ac_sms_async.collect.store.storable import as_json
from ac_sms_async.errors import ConfigurationError

__all__ = ["DETAILS", "Detail", "Listing", "Mode", "Window", "details"]

Mode = Literal["full", "since_last", "window"]
Detail = Literal["failures", "recipients"]
DETAILS: tuple[Detail, ...] = ("failures", "recipients")


@frozen
class Listing:
    """The list of broadcasts to read page by page, with its filters."""

    start: date | None = None
    end: date | None = None
    name: str | None = None
    status: str | None = None
    type: str | None = None


def _day(instance: Any, attribute: Any, value: Any) -> None:
    # A datetime is a date to isinstance, and would send a time where a day belongs.
    if value is not None and type(value) is not date:
        raise ConfigurationError(f"Window.{attribute.name} must be a datetime.date, not {value!r}")


@frozen
class Window:
    """Which broadcasts to collect: all of them, those of some days, or (`since_last`) those that can still change.

    Dates are whole days, inclusive, and choose broadcasts; the counts collected are always over a broadcast's life.
    Raises `ConfigurationError` for dates in the wrong order.
    """

    start: date | None = field(default=None, validator=_day)
    end: date | None = field(default=None, validator=_day)
    name: str | None = field(default=None, kw_only=True)
    status: str | None = field(default=None, kw_only=True)
    type: str | None = field(default=None, kw_only=True)
    horizon: timedelta | None = field(default=None, kw_only=True)
    """With a horizon, only what can still change since the last run: see `since_last`."""

    def __attrs_post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ConfigurationError(f"the window starts ({self.start}) after its end ({self.end})")
        if self.horizon is not None:
            if self.horizon <= timedelta(0):
                raise ConfigurationError(f"the horizon must be longer than nothing, not {self.horizon}")
            if self.filters:
                raise ConfigurationError("a window since the last run takes no dates and no filters")

    @classmethod
    def since_last(cls, horizon: timedelta = timedelta(days=30)) -> Self:
        """What can still change since the last full run or run of this kind; everything, where there was none.

        That is the list of all broadcasts, and the counts of those that were not sent when they were last seen, that
        were sent up to `horizon` before the last run, and that were never counted.
        """
        return cls(horizon=horizon)

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the window, as text."""
        given = {"start": self.start, "end": self.end, "name": self.name, "status": self.status, "type": self.type}
        return {key: str(value) for key, value in given.items() if value is not None}

    @property
    def mode(self) -> Mode:
        """The kind of run this makes."""
        if self.horizon is not None:
            return "since_last"
        return "window" if self.filters else "full"

    def spec(self, include: Collection[Detail]) -> str:
        """What is asked for, as JSON text: the same for the same command."""
        spec: dict[str, Any] = {"mode": self.mode, "include": sorted(include), **self.filters}
        if self.horizon is not None:
            spec["horizon_days"] = self.horizon / timedelta(days=1)
        return as_json(spec)

    @property
    def listing(self) -> Listing:
        """The list to read: since the last run, too, the whole one: what is new or gone can't be known else."""
        return Listing(self.start, self.end, self.name, self.status, self.type)


def details(include: Collection[str]) -> frozenset[Detail]:
    """`include` checked: which details to fetch beside the metrics."""
    if isinstance(include, str):
        raise ConfigurationError(f"include must be a set such as {{'failures'}}, not the text {include!r}")
    unknown = sorted(set(include) - set(DETAILS))
    if unknown:
        raise ConfigurationError(f"include knows {' and '.join(DETAILS)}, not {', '.join(map(repr, unknown))}")
    return frozenset(detail for detail in DETAILS if detail in include)
