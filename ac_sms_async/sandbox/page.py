"""The page at `/`: an account's broadcasts, their state and numbers, faults in force, and the last requests."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode

from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.broadcast import STATUSES, Broadcast
from ac_sms_async.sandbox.clock import naive_stamp, utc_stamp
from ac_sms_async.sandbox.journal import JournalEntry
from ac_sms_async.sandbox.reply import Reply
from ac_sms_async.sandbox.state import State

_ROWS = 25
_REQUESTS = 20
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p.note{margin:.2rem 0 1rem;opacity:.75}
nav{display:flex;flex-wrap:wrap;gap:.1rem .8rem;margin:.4rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.28rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;opacity:.7;font-size:.85em}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.w{white-space:normal;overflow-wrap:anywhere;min-width:13rem}
code{font:.9em ui-monospace,monospace;background:var(--soft);padding:.1rem .3rem;border-radius:3px}
.s{padding:.05rem .5rem;border-radius:1em;font-size:.85em;background:var(--soft)}
.sent{background:#2a92}.sending{background:#28c3}.scheduled{background:#a7c3}.pending_review{background:#d922}
.bad{color:#c33}
div.scroll{overflow-x:auto}
"""


def page(state: State, query: str) -> Reply:
    """The page as HTML; `?account=`, `?status=` and `?page=` choose what is shown."""
    asked = dict(parse_qsl(query))
    account = state.accounts.get(asked.get("account", ""), state.first)
    status = asked.get("status", "")
    wanted = asked.get("page", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else 1
    account.settle()
    credit = account.credits()
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>SMS sandbox: {escape(account.name)}</title><style>{_STYLE}</style>",
        "<h1>ActiveCampaign SMS sandbox</h1>",
        '<p class="note">Not the real thing: nothing is ever sent. '
        f"It is {naive_stamp(int(state.clock.now()))} in Chicago"
        f"{'' if state.clock.speed == 1 else f', at {state.clock.speed:g} times real speed'}.</p>",
        _accounts(state, account),
        f"<p>Base URL <code>/{escape(account.name)}</code> token <code>{escape(account.token)}</code></p>"
        f"<p>{credit['available']:,} credits left of {credit['includedThisPeriod'] + credit['extra']:,}.</p>",
        _broadcasts(account, status, number, state.clock.now()),
        _faults(state),
        _requests(state),
    ]
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    # Lone surrogates can come in by JSON; no page can hold them.
    return Reply(200, headers, "\n".join(parts).encode("utf-8", "replace"))


def _link(text: str, *, chosen: bool = False, **query: str | int) -> str:
    if chosen:
        return f"<b>{escape(text)}</b>"
    return f'<a href="/?{escape(urlencode(query))}">{escape(text)}</a>'


def _accounts(state: State, account: Account) -> str:
    links = [_link(name, chosen=name == account.name, account=name) for name in state.accounts]
    return f"<nav>Account {''.join(links)}</nav>"


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
    head = "<tr><th class=n>id<th>name<th>status<th>sent or due" + "".join(
        f"<th class=n>{name}" for name in ("sends", "delivered", "failed", "clicks", "replies", "opt-outs")
    )
    rows = "\n".join(_broadcast(account, each, now) for each in shown)
    return (
        f"<h2>Broadcasts ({len(found):,})</h2><nav>{''.join(filters)}</nav>"
        f'<div class="scroll"><table>{head}\n{rows}</table></div>'
        f"<nav>Page {number:,} of {last:,}{''.join(pages)}</nav>"
    )


def _broadcast(account: Account, broadcast: Broadcast, now: float) -> str:
    status = broadcast.status_at(now)
    counts = account.counts(broadcast, now)
    due = broadcast.sent_at(now) or broadcast.sending_at
    shown = naive_stamp(due) if due else ""
    if not due and broadcast.scheduled_date is not None:
        # As it is answered: a draft may have any date, also one that is in no calendar of Chicago.
        shown = utc_stamp(broadcast.scheduled_date)
    numbers = "".join(
        f"<td class=n>{number:,}"
        for number in (
            counts.sends,
            counts.deliveries,
            counts.failures,
            counts.clicks,
            counts.replies,
            counts.opt_outs,
        )
    )
    return (
        f"<tr><td class=n>{broadcast.id}<td class=w>{escape(broadcast.name)}"
        f'<td><span class="s {status}">{status}</span><td>{shown}{numbers}'
    )


def _faults(state: State) -> str:
    if not len(state.faults):
        return ""
    rows = "\n".join(
        f"<tr><td class=n>{fault.id}<td>{escape(fault.operation)}<td>{escape(fault.name)}"
        f"<td class=n>{fault.hits:,}<td class=n>{fault.seen:,}"
        for fault in state.faults
    )
    head = "<tr><th class=n>id<th>operation<th>fault<th class=n>hit<th class=n>of"
    return f'<h2>Faults in force</h2><div class="scroll"><table>{head}\n{rows}</table></div>'


def _requests(state: State) -> str:
    entries = list(state.journal)[-_REQUESTS:][::-1]
    title = (
        f"<h2>Last requests ({state.journal.seen:,} in all, "
        f"at most {state.journal.peak_rate()} in a second for one account)</h2>"
    )
    head = "<tr><th class=n>at<th>account<th>request<th>operation<th class=n>status<th>faults"
    rows = "\n".join(_request(entry) for entry in entries)
    return f'{title}<div class="scroll"><table>{head}\n{rows}</table></div>'


def _request(entry: JournalEntry) -> str:
    target = f"{entry.path}?{entry.query}" if entry.query else entry.path
    status = "none" if entry.status is None else str(entry.status)
    bad = entry.status is None or entry.status >= 400
    return (
        f"<tr><td class=n>{entry.at:.2f} s<td>{escape(entry.account or '')}"
        f"<td class=w>{escape(entry.method)} {escape(target)}<td>{escape(entry.operation or '')}"
        f'<td class="n{" bad" if bad else ""}">{status}<td>{escape(", ".join(entry.faults))}'
    )
