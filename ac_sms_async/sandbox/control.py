"""The sandbox over HTTP: what it is, faults, clock, data, journal, reset."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl

from attrs import asdict
from attrs.filters import exclude

from ac_sms_async.sandbox.clock import local_stamp
from ac_sms_async.sandbox.faults import Fault
from ac_sms_async.sandbox.own_data import add_broadcast, add_list, set_credits
from ac_sms_async.sandbox.reply import Reply, json_reply
from ac_sms_async.sandbox.state import State

ROOT = "/_sandbox"
#: Where redirects lead. Nothing is here but a note in the journal of who came, and whether a token came along.
ELSEWHERE = f"{ROOT}/elsewhere"

_Handler = Callable[[State, str, dict[str, Any]], Reply]


def elsewhere() -> Reply:
    text = b"<!doctype html><title>Elsewhere</title><p>A redirect led here: what followed it gave its token away."
    return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, text)


def control(state: State, method: str, path: str, query: str, body: bytes) -> Reply:
    """Answer one request under /_sandbox."""
    name, _, rest = path.removeprefix(ROOT).strip("/").partition("/")
    handlers = _HANDLERS.get(name) if path == ROOT or path.startswith(f"{ROOT}/") else None
    if handlers is None:
        return json_reply(404, {"message": f'No route found for "{path}"'})
    if method not in handlers:
        return json_reply(405, {"message": "Method Not Allowed"}, {"Allow": ", ".join(handlers)})
    try:
        given = _json(body) if method == "POST" else dict(parse_qsl(query))
        return handlers[method](state, rest, given)
    except (ValueError, TypeError, RecursionError) as error:
        return json_reply(400, {"message": str(error)})


def _json(body: bytes) -> dict[str, Any]:
    value = json.loads(body or b"{}")
    if not isinstance(value, dict):
        raise TypeError("the body must be a JSON object")
    return cast("dict[str, Any]", value)


def _about(state: State, rest: str, given: dict[str, Any]) -> Reply:
    return json_reply(
        200,
        {
            "accounts": [
                {"name": name, "path": f"/{name}/api/3", "token": account.token}
                for name, account in state.accounts.items()
            ],
            "seed": state.seed.number,
            "broadcasts": state.seed.broadcasts,
            "recipients": state.seed.recipients,
            "end": state.seed.end.isoformat(),
            "rate_limit": state.rate_limit,
            "guesses": asdict(state.guesses),
            "requests": state.journal.seen,
            "faults": len(state.faults),
            "clock": _clock_json(state),
        },
    )


def _reset(state: State, rest: str, given: dict[str, Any]) -> Reply:
    state.reset()
    return _about(state, rest, given)


def _list_faults(state: State, rest: str, given: dict[str, Any]) -> Reply:
    return json_reply(200, {"faults": [fault.to_dict() for fault in state.faults]})


def _add_fault(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """A fault as JSON, or its text as {"fault": "getBroadcastMetrics:429:nth=3"}."""
    made = Fault.parse(str(given["fault"])) if set(given) == {"fault"} else Fault.from_dict(given)
    return json_reply(201, state.faults.add(made).to_dict())


def _remove_faults(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """All of them, or the one whose id ends the path."""
    if not rest:
        state.faults.clear()
        return _list_faults(state, rest, given)
    for fault in state.faults:
        if str(fault.id) == rest:
            state.faults.remove(fault)
            return json_reply(200, fault.to_dict())
    return json_reply(404, {"message": f"No fault has the id {rest}"})


def _clock_json(state: State) -> dict[str, Any]:
    clock = state.clock
    return {"now": local_stamp(int(clock.now())), "speed": clock.speed, "advanced": clock.advanced}


def _clock(state: State, rest: str, given: dict[str, Any]) -> Reply:
    return json_reply(200, _clock_json(state))


def _set_clock(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """{"advance": seconds}, {"speed": factor}, or both."""
    unknown = set(given) - {"advance", "speed"}
    if unknown or not given:
        raise ValueError("the clock takes advance (seconds) and speed (a factor)")
    for number in given.values():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError("advance and speed are numbers")
    if "advance" in given:
        state.clock.advance(given["advance"])
    if "speed" in given:
        state.clock.set_speed(given["speed"])
    return json_reply(200, _clock_json(state))


def _journal(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """`?operation=` and `?account=` choose, `?last=` keeps so many (100 unless told)."""
    unknown = set(given) - {"operation", "account", "last"}
    if unknown:
        raise ValueError("the journal takes operation, account and last")
    entries = state.journal.of(given.get("operation"), given.get("account"))
    last = int(given.get("last", 100))
    return json_reply(
        200,
        {
            "seen": state.journal.seen,
            "peak_rate": state.journal.peak_rate(given.get("account")),
            "requests": [entry.to_dict() for entry in (entries[-last:] if last > 0 else [])],
        },
    )


def _add_broadcast(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """What `Sandbox.add_broadcast` takes, and which account."""
    account = state.account(given.pop("account", None))
    return json_reply(201, account.json(add_broadcast(account, given), account.now()))


def _add_list(state: State, rest: str, given: dict[str, Any]) -> Reply:
    account = state.account(given.pop("account", None))
    return json_reply(201, asdict(add_list(account, given), filter=exclude("rank")))


def _set_credits(state: State, rest: str, given: dict[str, Any]) -> Reply:
    """{"available": so many}."""
    account = state.account(given.pop("account", None))
    return json_reply(200, set_credits(account, given))


def _clear_journal(state: State, rest: str, given: dict[str, Any]) -> Reply:
    state.journal.clear()
    return json_reply(200, {"seen": 0, "peak_rate": 0, "requests": []})


_HANDLERS: dict[str, dict[str, _Handler]] = {
    "": {"GET": _about},
    "reset": {"POST": _reset},
    "faults": {"GET": _list_faults, "POST": _add_fault, "DELETE": _remove_faults},
    "clock": {"GET": _clock, "POST": _set_clock},
    "broadcasts": {"POST": _add_broadcast},
    "lists": {"POST": _add_list},
    "credits": {"POST": _set_credits},
    "journal": {"GET": _journal, "DELETE": _clear_journal},
}
