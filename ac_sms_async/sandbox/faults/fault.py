"""A fault: what to do, to which requests, and when; said in Python, as text, or as JSON."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import Attribute, asdict, fields_dict

from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.faults.answers import ANSWERS, Status
from ac_sms_async.sandbox.faults.delivery import DELIVERIES
from ac_sms_async.sandbox.faults.kind import Kind
from ac_sms_async.sandbox.faults.paging import PAGING
from ac_sms_async.sandbox.faults.payloads import PAYLOADS
from ac_sms_async.sandbox.routes import OPERATIONS

#: Every kind by name, but for errors, which are said by their status number.
KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (*ANSWERS, *DELIVERIES, *PAGING, *PAYLOADS)}
_NAMES = frozenset(operation.id for operation in OPERATIONS)
_WHEN: dict[str, type] = {"nth": int, "every": int, "count": int, "probability": float, "account": str, "applied": bool}
# A colon only separates where a name and "=" follow, so that times and URLs can be values.
_SEPARATOR = re.compile(r":(?=[a-z_]+=)")


class Fault:
    """
    One fault: `Fault("429", "getBroadcastMetrics", retry_after="2", nth=3)`.

    `kind` is a status number or a name in `KINDS`, `operation` an operationId or "*"; other keywords are the kind's.
    Of the requests that it fits it takes all, or the `nth` one (from 1), or `every` nth, or each with a `probability`,
    and no more than `count`. `applied=True` carries the operation out before its answer is lost or replaced.
    """

    def __init__(
        self,
        kind: str | int,
        operation: str = "*",
        *,
        nth: int | None = None,
        every: int | None = None,
        count: int | None = None,
        probability: float | None = None,
        account: str | None = None,
        applied: bool = False,
        **params: Any,
    ) -> None:
        if operation != "*" and operation not in _NAMES:
            raise ValueError(f"no such operation: {operation!r}; give an operationId of the document, or *")
        for name, number in (("nth", nth), ("every", every), ("count", count)):
            if number is not None and number < 1:
                raise ValueError(f"{name} counts from 1")
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        self.id = 0
        self.operation = operation
        self.nth = nth
        self.every = every
        self.count = count
        self.probability = probability
        self.account = account
        self.applied = applied
        self.kind: Kind = _make_kind(str(kind), params)
        #: How many requests fitted, and how many of them it took.
        self.seen: int = 0
        self.hits: int = 0

    @property
    def name(self) -> str:
        """ "429" or "reset": the kind, as it is said."""
        return str(self.kind.status) if isinstance(self.kind, Status) else self.kind.name

    @property
    def instead(self) -> bool:
        return self.kind.instead and not self.applied

    def takes(self, operation: str | None, account: str) -> bool:
        """Whether this request is one for it; counts it."""
        if self.operation not in ("*", operation) or self.account not in (None, account):
            return False
        self.seen += 1
        due = (
            (self.nth is None or self.seen == self.nth)
            and (self.every is None or self.seen % self.every == 0)
            and (self.count is None or self.hits < self.count)
            and (self.probability is None or self._chance() < self.probability)
        )
        self.hits += due
        return due

    def _chance(self) -> float:
        # Drawn, not random: the same faults hit the same requests in every run.
        return Draw("fault", self.id).at(self.seen)[0] / 2**64

    def to_dict(self) -> dict[str, Any]:
        """As JSON: what `from_dict` takes, and id, seen and hits."""
        params: dict[str, Any] = asdict(self.kind)
        if isinstance(self.kind, Status):
            del params["status"]
        when = {name: getattr(self, name) for name in _WHEN}
        given = {name: value for name, value in when.items() if value is not None}
        counted = {"id": self.id, "seen": self.seen, "hits": self.hits}
        return {"kind": self.name, "operation": self.operation, **given, **params, **counted}

    def __repr__(self) -> str:
        return f"<Fault {self.to_dict()}>"

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Fault:
        """From JSON: "kind", "operation" and the keywords."""
        given = dict(value)
        kind = given.pop("kind", None)
        if not isinstance(kind, str | int):
            raise ValueError("a fault needs a kind")
        operation = given.pop("operation", "*")
        if not isinstance(operation, str):
            raise ValueError("operation must be a string")
        for name, wanted in _WHEN.items():
            if given.get(name) is not None:
                given[name] = _convert(name, given[name], wanted)
        return cls(kind, operation, **given)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From text: "getBroadcastMetrics:429:retry_after=2:nth=3" or "*:slow:seconds=0.5:probability=0.1"."""
        head, *pairs = _SEPARATOR.split(text)
        operation, colon, kind = head.partition(":")
        if not colon:
            raise ValueError(f"not a fault: {text!r}; write operation:kind, then :name=value as needed")
        given = (pair.partition("=") for pair in pairs)
        return cls.from_dict({"kind": kind, "operation": operation, **{name: value for name, _, value in given}})


def _make_kind(kind: str, params: Mapping[str, Any]) -> Kind:
    made = Status if kind.isdecimal() else KINDS.get(kind)
    if made is None:
        raise ValueError(f"no such fault: {kind!r}; there are status numbers and {', '.join(sorted(KINDS))}")
    if made is Status:
        params = {**params, "status": int(kind)}
    known: dict[str, Attribute[Any]] = fields_dict(made)
    for name in params:
        if name not in known:
            raise ValueError(f"{kind} has no parameter {name!r}; it has {', '.join(known) or 'none'}")
    types = {"int": int, "float": float, "str": str}
    return made(**{name: _convert(name, value, types[str(known[name].type)]) for name, value in params.items()})


def _convert(name: str, value: Any, wanted: type) -> Any:
    if isinstance(value, wanted):
        return value
    text = str(value)
    if wanted is bool:
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise ValueError(f"{name} must be true or false")
        return text.lower() in ("true", "yes", "1")
    try:
        return wanted(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None


class Faults:
    """The faults in force, in the order in which they were added; several can take the same request."""

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        self._numbers = itertools.count(1)
        self._active: tuple[Fault, ...] = ()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault | str | int, operation: str = "*", **keywords: Any) -> Fault:
        """Put a fault in force: a `Fault`, its text, or a kind with the keywords of `Fault`; returns it."""
        if isinstance(fault, Fault):
            made = fault
        elif isinstance(fault, str) and ":" in fault:
            made = Fault.parse(fault)
        else:
            made = Fault(fault, operation, **keywords)
        made.id = next(self._numbers)
        self._active = (*self._active, made)
        return made

    def remove(self, fault: Fault) -> None:
        """Take a fault out of force again."""
        self._active = tuple(each for each in self._active if each is not fault)

    def clear(self) -> None:
        self._active = ()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._active)

    def __len__(self) -> int:
        return len(self._active)

    def take(self, operation: str | None, account: str) -> list[Fault]:
        """Those that this request is for."""
        return [fault for fault in self._active if fault.takes(operation, account)]
