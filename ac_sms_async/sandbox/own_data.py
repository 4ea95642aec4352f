"""Data of your own, from Python, over HTTP or out of a file: what isn't said is made up so that it adds up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import yaml
from attrs import evolve

from ac_sms_async.sandbox.account import LARGEST_AUDIENCE, Account
from ac_sms_async.sandbox.body import Shape, integer, many, moment, parse_moment, string, whole_number
from ac_sms_async.sandbox.broadcast import Broadcast
from ac_sms_async.sandbox.course import LAST, USUAL
from ac_sms_async.sandbox.draw import Draw
from ac_sms_async.sandbox.fates import Fates
from ac_sms_async.sandbox.people import Contact
from ac_sms_async.sandbox.seed import DAY, SENT_PER_SECOND, SubscriberList

#: A file as it was read: `broadcasts`, `lists` and `credits`, or `accounts` with these for each name.
Document = Mapping[str, Any]
#: Contacts of your own have ids from here on: nobody who is made up has one.
_FIRST_CONTACT = 10_000_001
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1980, 9890))


def _counts(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "must be an object of counts"
    counts = cast("dict[Any, object]", value)
    return next((complaint for count in counts.values() if (complaint := whole_number(count))), None)


def _contact(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "must be an object"
    fields = cast("dict[Any, object]", value)
    if not fields or set(fields) - {"name", "phone", "email"}:
        return "must have a name, a phone or an email, and nothing else"
    return next((complaint for text in fields.values() if (complaint := string(text))), None)


_BROADCAST = Shape(
    {
        "name": string,
        "body": string,
        "sent": moment,
        "list_ids": many(integer),
        "sends": whole_number,
        "clicks": whole_number,
        "opt_outs": whole_number,
        "failures": _counts,
        "replies": many(string),
        "contacts": many(_contact),
    },
    required=("name",),
)
_LIST = Shape({"name": string, "subscriber_count": whole_number}, required=("name", "subscriber_count"))
_CREDITS = Shape({"available": whole_number}, required=("available",))


def _checked(shape: Shape, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given; null is as good as nothing."""
    fields = {name: value for name, value in given.items() if value is not None}
    complaints = [text for _, _, text in shape.complaints(fields)]
    if complaints:
        raise ValueError(" ".join(complaints))
    return fields


def add_list(account: Account, given: Mapping[str, Any]) -> SubscriberList:
    """A list: `name`, `subscriber_count`."""
    fields = _checked(_LIST, given)
    made = SubscriberList(max(account.lists, default=0) + 1, fields["name"], fields["subscriber_count"])
    account.lists[made.id] = made
    account.save(made)
    return made


def set_credits(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """Have so many credits `available` now."""
    account.set_credits(_checked(_CREDITS, given)["available"])
    return account.credits()


def add_broadcast(account: Account, given: Mapping[str, Any]) -> Broadcast:
    """A broadcast that was sent, or will be; see `Sandbox.add_broadcast`."""
    sent = given.get("sent")
    if isinstance(sent, datetime):
        # YAML reads times itself.
        given = {**given, "sent": sent.isoformat(timespec="seconds")}
    if isinstance(given.get("failures"), dict):
        # And codes as numbers.
        given = {**given, "failures": _object(given["failures"], "failures")}
    fields = _checked(_BROADCAST, given)
    number, now = account.new_id(), account.now()
    size = _size(account, fields)
    fates = Fates.arranged(
        size,
        Draw(*account.key, "audience", number),
        failures=fields.get("failures"),
        clicks=fields.get("clicks"),
        opt_outs=fields.get("opt_outs"),
        replies=fields.get("replies"),
    )
    seconds = size // SENT_PER_SECOND
    sent_at = parse_moment(fields["sent"]) if "sent" in fields else int(now)
    if sent_at is None or not _FIRST < sent_at < _LAST:
        raise ValueError("The field sent is in no calendar of broadcasts.")
    begun = sent_at - seconds if sent_at <= now else sent_at
    if sent_at <= now:
        # What is said of the past has happened: its answers have come by now.
        fates = evolve(fates, slowness=min(fates.slowness, (int(now) - sent_at) * USUAL // LAST))
    created_at = min(begun - DAY, int(now))
    made = Broadcast(
        id=number,
        name=fields["name"],
        body=fields.get("body", "Reply STOP to opt out"),
        created_at=created_at,
        updated_at=created_at,
        scheduled_date=sent_at if sent_at > now else None,
        scheduled_by=1,
        sent_to_count=size,
        list_ids=fields.get("list_ids", []),
        seeded=True,
        audience=size,
        sending_at=begun,
        sending_seconds=seconds,
        submitted_at=created_at,
        approved_at=created_at,
        fates=fates,
        contacts=list(_contacts(account, fields.get("contacts", []))),
    )
    account.broadcasts[number] = made
    account.save(made)
    return made


def _size(account: Account, fields: Mapping[str, Any]) -> int:
    unknown = [number for number in fields.get("list_ids", ()) if number not in account.lists]
    if unknown:
        raise ValueError(f"There is no list {unknown[0]}.")
    named = len(fields.get("contacts", ()))
    size = fields.get("sends")
    if size is None:
        lists = [account.lists[number].subscriber_count for number in fields.get("list_ids", ())]
        answers = fields.get("opt_outs", 0) + len(fields.get("replies", ()))
        needed = sum(fields.get("failures", {}).values()) + max(fields.get("clicks", 0), answers)
        size = max(sum(lists) or account.usual_audience, needed, named)
    if not named <= size <= LARGEST_AUDIENCE:
        raise ValueError(f"The field sends must be from {named} (the contacts) to {LARGEST_AUDIENCE:,}.")
    return int(size)


def _contacts(account: Account, given: list[dict[str, str]]) -> Iterator[Contact]:
    """Somebody who was there before keeps the id."""
    known = {evolve(contact, id=0): contact.id for each in account.broadcasts.values() for contact in each.contacts}
    for fields in given:
        wanted = Contact(0, fields.get("name", ""), fields.get("phone", ""), fields.get("email", ""))
        number = known.setdefault(wanted, _FIRST_CONTACT + len(known))
        yield evolve(wanted, id=number)


# --- a file -----------------------------------------------------------------------------------------------------


def read_document(path: Path | str) -> Document:
    """A file in YAML, or in JSON where its name ends so."""
    text = Path(path).read_text("utf-8")
    try:
        value: object = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} can't be read: {error}") from error
    return _object(value, str(path))


def arrange(document: Document, accounts: Mapping[str, Account]) -> None:
    """Add what a document holds."""
    for name, part in _parts(document, next(iter(accounts))):
        if name not in accounts:
            raise ValueError(f"There is no account {name}.")
        _reject(part, ("lists", "broadcasts", "credits"), name)
        add: Callable[[Account, Mapping[str, Any]], object]
        for what, add in (("lists", add_list), ("broadcasts", add_broadcast)):
            rows: object = part.get(what) or []
            if not isinstance(rows, list):
                raise ValueError(f"{what} must be a list")
            for number, row in enumerate(cast("list[object]", rows), 1):
                place = f"{what}, number {number}"
                try:
                    add(accounts[name], _object(row, place))
                except ValueError as error:
                    raise ValueError(f"{place}: {error}") from error
        if part.get("credits") is not None:
            set_credits(accounts[name], {"available": part["credits"]})


def _parts(document: Document, first: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "accounts" not in document:
        yield first, document
        return
    _reject(document, ("accounts",), "data with accounts")
    for name, part in _object(document["accounts"], "accounts").items():
        yield name, _object(part, name)


def _reject(part: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = [name for name in part if name not in known]
    if unknown:
        raise ValueError(f"{what}: there is no {unknown[0]}, only {', '.join(known)}")


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    return {str(name): each for name, each in cast("dict[object, Any]", value).items()}
