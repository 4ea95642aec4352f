"""The page at `/`: how to reach an account, what moved lately, its broadcasts, faults in force, the last requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import parse_qsl, urlencode

from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.broadcast import STATUSES, Broadcast
from ac_sms_async.sandbox.clock import naive_stamp
from ac_sms_async.sandbox.course import DAY, LAST
from ac_sms_async.sandbox.fates import Counts
from ac_sms_async.sandbox.guard import host_name, is_loopback
from ac_sms_async.sandbox.journal import JournalEntry
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.state import State

_ROWS = 25
_MOVED = 8
_REQUESTS = 20
#: In every calendar, whatever the zone.
_FIRST_MOMENT = int(datetime(1, 1, 2, tzinfo=UTC).timestamp())
_NUMBERS = ("sends", "delivered", "failed", "clicks", "replies", "opt-outs")
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:1.5rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p.note{margin:.2rem 0 1rem;opacity:.75}
nav{display:flex;flex-wrap:wrap;gap:.3rem .8rem;margin:.6rem 0}
pre{font:.9em/1.6 ui-monospace,monospace;background:var(--soft);padding:.6rem .8rem;border-radius:6px;
 white-space:pre-wrap;user-select:all;margin:.5rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.28rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;opacity:.7;font-size:.85em}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.w,td.l{white-space:normal;min-width:13rem}
.s{display:inline-block;white-space:nowrap}
.s{padding:.05rem .5rem;border-radius:1em;font-size:.85em;background:var(--soft)}
.sent{background:#2a94}.sending{background:#28c4}.scheduled{background:#a7c4}.pending_review{background:#d924}
.bad{color:light-dark(#b22,#f77)}
@media(max-width:760px){
 thead{display:none}
 tr{display:grid;grid-template-columns:repeat(6,1fr);gap:.35rem .6rem;padding:.7rem 0}
 tr{border-bottom:1px solid var(--line)}
 td,td.n,td.w,td.l{border:0;padding:0;white-space:normal;text-align:left;min-width:0;grid-column:span 3}
 td.n{grid-column:span 2}
 td.w,td.l,td:first-child{grid-column:1/-1}
 td::before{content:attr(data-of);display:block;font-size:.75rem;opacity:.7}
 td:first-child{font-size:.8rem;opacity:.7}
 td:first-child::before{content:attr(data-of) " ";display:inline;font-size:inherit;opacity:1}
 td.w{font-weight:600}
 td.w::before,td.l::before,td:empty::before{display:none}
 nav a,nav b{padding:.25rem 0}
}
"""


def page(state: State, query: str, host: str) -> Reply:
    """The page as HTML; `?account=`, `?status=` and `?page=` choose what is shown. `host` is what it was reached by."""
    asked = dict(parse_qsl(query))
    account = state.accounts.get(asked.get("account", ""), state.first)
    status = asked.get("status", "")
    wanted = asked.get("page", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else 1
    account.settle()
    now = state.clock.now()
    credit = account.credits()
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>SMS sandbox: {escape(account.name)}</title><style>{_STYLE}</style>",
        "<h1>ActiveCampaign SMS sandbox</h1>",
        f'<p class="note">Not the real thing: nothing is ever sent. It is {_date(now)}'
        f"{'' if state.clock.speed == 1 else f', at {state.clock.speed:g} times real speed'}; "
        "all times here are Chicago's.</p>",
        _accounts(state, account),
        f"<pre>{escape(_exports(account, host))}</pre>",
        f"<p>{credit['available']:,} credits left of {credit['includedThisPeriod'] + credit['extra']:,}.</p>",
        _moved(account, now),
        _broadcasts(account, status, number, now),
        _faults(state),
        _requests(state),
    ]
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    # Lone surrogates can come in by JSON; no page can hold them.
    return Reply(200, headers, "\n".join(parts).encode("utf-8", "replace"))


def _date(second: float) -> str:
    """The one form of dates: "2026-01-05 13:45", Chicago's wall clock. A draft may be scheduled for any year."""
    return naive_stamp(int(max(second, _FIRST_MOMENT)))[:16]


def _exports(account: Account, host: str) -> str:
    """What to paste into a shell, from wherever this page is looked at."""
    lines = [
        f"export ACTIVECAMPAIGN_URL=http://{host}/{account.name}",
        f"export ACTIVECAMPAIGN_API_TOKEN={account.token}",
    ]
    if not is_loopback(host_name(host)):
        lines.append(f"export ACTIVECAMPAIGN_INSECURE_HOST={host}")
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML. `#` stands before what heads numbers, `=` names, `~` long texts; on a phone a row is a block."""
    kinds = [{"#": ' class="n"', "=": ' class="w"', "~": ' class="l"'}.get(head[0], "") for head in heads]
    names = [head.lstrip("#=~") for head in heads]
    top = "".join(f"<th{kind}>{name}" for kind, name in zip(kinds, names, strict=True))
    openings = [f'<td{kind} data-of="{name}">' for kind, name in zip(kinds, names, strict=True)]
    lines = ["\n<tr>" + "".join(map("".join, zip(openings, row, strict=True))) for row in rows]
    return f"<table><thead><tr>{top}</thead><tbody>{''.join(lines)}</table>"


def _link(text: str, *, chosen: bool = False, **query: str | int) -> str:
    if chosen:
        return f"<b>{escape(text)}</b>"
    return f'<a href="/?{escape(urlencode(query))}">{escape(text)}</a>'


def _status(status: str) -> str:
    return f'<span class="s {status}">{status}</span>'


def _accounts(state: State, account: Account) -> str:
    links = [_link(name, chosen=name == account.name, account=name) for name in state.accounts]
    return f"<nav>Account {''.join(links)}</nav>"


def _moved(account: Account, now: float) -> str:
    """What is otherwise than a day ago, the latest sent first. Nothing moves once the last answer has come."""
    before = now - DAY
    found = [
        broadcast
        for broadcast in account.live()
        if broadcast.sending_at is not None and now - LAST - DAY < broadcast.sending_at + broadcast.sending_seconds
    ]
    found.sort(key=lambda broadcast: (broadcast.sending_at or 0, broadcast.id), reverse=True)
    rows: list[Sequence[str]] = []
    for broadcast in found:
        is_now = broadcast.status_at(now)
        then = broadcast.status_at(before) if broadcast.created_at <= before else is_now
        moved = [
            f"{new - old:+,} {name}"
            for name, old, new in zip(_NUMBERS, *map(_numbers, _twice(account, broadcast, before, now)), strict=True)
            if new != old
        ]
        if moved or then != is_now:
            path = _status(is_now) if then == is_now else f"{_status(then)} → {_status(is_now)}"
            rows.append((str(broadcast.id), escape(broadcast.name), path, ", ".join(moved)))
    if not rows:
        return ""
    return f"<h2>What moved since {_date(before)}</h2>{_table(('#id', '=name', 'status', '~numbers'), rows[:_MOVED])}"


def _twice(account: Account, broadcast: Broadcast, before: float, now: float) -> tuple[Counts, Counts]:
    return account.counts(broadcast, before), account.counts(broadcast, now)


def _numbers(counts: Counts) -> tuple[int, ...]:
    return counts.sends, counts.deliveries, counts.failures, counts.clicks, counts.replies, counts.opt_outs


def _broadcasts(account: Account, status: str, number: int, now: float) -> str:
    found = [each for each in account.live() if not status or each.status_at(now) == status]
    # The newest first: that is what one has just made.
    found.sort(key=lambda each: -each.id)
    last = max(1, -(-len(found) // _ROWS))
    number = min(max(number, 1), last)
    shown = found[(number - 1) * _ROWS : number * _ROWS]
    filters = [_link("all", chosen=not status, account=account.name)]
    filters += [_link(each, chosen=each == status, account=account.name, status=each) for each in STATUSES]
    pages = [
        _link(text, account=account.name, status=status, page=other)
        for text, other in (("newer", number - 1), ("older", number + 1))
        if 1 <= other <= last
    ]
    heads = ("#id", "=name", "status", "sent or due", *(f"#{name}" for name in _NUMBERS))
    return (
        f"<h2>Broadcasts ({len(found):,})</h2><nav>{''.join(filters)}</nav>"
        f"{_table(heads, [_broadcast(account, each, now) for each in shown])}"
        f"<nav>Page {number:,} of {last:,}{''.join(pages)}</nav>"
    )


def _broadcast(account: Account, broadcast: Broadcast, now: float) -> Sequence[str]:
    due = broadcast.sent_at(now) or broadcast.sending_at or broadcast.scheduled_date
    numbers = [f"{number:,}" for number in _numbers(account.counts(broadcast, now))]
    return (
        str(broadcast.id),
        escape(broadcast.name),
        _status(broadcast.status_at(now)),
        "" if due is None else _date(due),
        *numbers,
    )


def _faults(state: State) -> str:
    if not len(state.faults):
        return ""
    rows = [
        (str(fault.id), escape(fault.operation), escape(fault.name), f"{fault.hits:,}", f"{fault.seen:,}")
        for fault in state.faults
    ]
    return f"<h2>Faults in force</h2>{_table(('#id', 'operation', 'fault', '#hit', '#of'), rows)}"


def _requests(state: State) -> str:
    title = (
        f"<h2>Last requests ({state.journal.seen:,} in all, "
        f"at most {state.journal.peak_rate()} in a second for one account)</h2>"
    )
    heads = ("#seconds ago", "account", "=request", "operation", "#status", "faults")
    elapsed = state.clock.elapsed()
    return title + _table(heads, [_request(entry, elapsed) for entry in state.journal[-_REQUESTS:][::-1]])


def _request(entry: JournalEntry, elapsed: float) -> Sequence[str]:
    target = f"{entry.path}?{entry.query}" if entry.query else entry.path
    status = "none" if entry.status is None else str(entry.status)
    bad = entry.status is None or entry.status >= 400
    return (
        f"{elapsed - entry.at:,.1f}",
        escape(entry.account or ""),
        escape(f"{entry.method} {target}"),
        escape(entry.operation or ""),
        f'<span class="bad">{status}</span>' if bad else status,
        escape(", ".join(entry.faults)),
    )
