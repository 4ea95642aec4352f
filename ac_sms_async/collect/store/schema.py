"""What the store holds: every table and view, column by column, in words.

The documentation is made from this (`schema_page`), and a test holds it against what the migrations really build.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

__all__ = ["TABLES", "VIEWS", "Column", "Table", "table"]

ColumnType = Literal["TEXT", "BIGINT", "DOUBLE PRECISION", "BOOLEAN", "DATE", "TIMESTAMPTZ", "JSONB"]


@frozen
class Column:
    """One column: its name, its type (PostgreSQL's word; SQLite takes it too) and what it means."""

    name: str
    type: ColumnType
    doc: str


@frozen
class Table:
    """A table or view. `key` names the columns that identify a row; a view has none."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)


def _columns(text: str) -> Iterator[Column]:
    for line in text.strip().splitlines():
        name, kind, doc = (part.strip() for part in line.split("|", 2))
        yield Column(name, _TYPES[kind], doc)


_TYPES: dict[str, ColumnType] = {
    "text": "TEXT",
    "int": "BIGINT",
    "real": "DOUBLE PRECISION",
    "bool": "BOOLEAN",
    "date": "DATE",
    "time": "TIMESTAMPTZ",
    "json": "JSONB",
}


def _table(name: str, doc: str, key: str, columns: str) -> Table:
    return Table(name, doc, tuple(_columns(columns)), tuple(key.split()))


_COUNTS = """
sends      | int | Messages sent.
deliveries | int | Messages delivered to the handset.
failures   | int | Messages that were not delivered.
clicks     | int | Clicks on links.
replies    | int | Replies received.
opt_outs   | int | Contacts who opted out.
"""

_RATES = """
delivery_rate | real | deliveries / sends.
failure_rate  | real | failures / sends.
click_rate    | real | clicks / deliveries. Can be above 1: a contact may click more than once.
reply_rate    | real | replies / deliveries.
opt_out_rate  | real | opt_outs / deliveries.
"""

TABLES: tuple[Table, ...] = (
    _table(
        "schema_version",
        "Which migrations were applied. The highest version is the schema's.",
        "version",
        """
version    | int  | Number of the migration, from 1.
applied_at | time | When it was applied.
""",
    ),
    _table(
        "accounts",
        "The ActiveCampaign accounts in this store.",
        "account",
        """
account       | text | Name of the account: what the client was given, or the host of its URL. All other tables use it.
url           | text | Base URL that it was last collected from.
first_seen_at | time | When it was first collected.
sitting       | int  | How many times a job sat down to it: the order of runs, whatever their clocks said.
timezone      | text | Zone of its calendar, such as `America/Chicago`, as its last collector said; NULL: unknown.
""",
    ),
    _table(
        "runs",
        "One row for each collection, with its outcome.",
        "run_id",
        """
run_id         | text | Identifies the run: when it started, and a few random digits.
account        | text | The account.
mode           | text | `full` (everything), `since_last` (what can still change) or `window` (dates, filters).
spec           | json | What was asked for. The same command goes on with an unfinished run of the same spec.
status         | text | `running`, `complete`, `partial` (see error), `failed`, `interrupted`, `abandoned`.
window_start   | date | First day asked for, or NULL.
window_end     | date | Last day asked for, or NULL.
started_at     | time | When it first started, by the clock of its machine.
finished_at    | time | When it ended, or NULL while it runs (or after a crash, until it is resumed).
resumed        | int  | How many times it was taken up again.
broadcasts     | int  | Broadcasts found.
metrics        | int  | Broadcasts whose metrics were fetched.
missing        | int  | Broadcasts that the server left out of its metrics answer (drafts, for the most part).
failure_groups | int  | Rows of failure details fetched.
recipients     | int  | Recipients fetched.
replies        | int  | Replies fetched.
failed         | int  | Ids that were owed at its end; see failed_ids.
error          | text | What ended a failed run, or what a partial one owes and why, in words.
sitting        | int  | The account's sitting in which it was last at work. The run with the highest came last.
reached        | time | Up to when what was sent is in its list, by the server's dates; NULL where it isn't whole.
""",
    ),
    _table(
        "broadcasts",
        "The broadcasts, as last seen. A deleted broadcast keeps its row.",
        "account broadcast_id",
        """
account                     | text | The account.
broadcast_id                | int  | ActiveCampaign's id of the broadcast.
name                        | text | Name.
status                      | text | `draft`, `pending_review`, `scheduled`, `sending`, `sent`, or a newer one.
body                        | text | The message.
sent_date                   | time | When it was sent, or NULL.
scheduled_date              | time | When it is to be sent, or NULL.
sent_to_count               | int  | Number of recipients that the server names.
list_ids                    | json | Ids of the lists it goes to.
segment_id                  | text | Id of the segment, or NULL.
custom_segment_id           | text | Id of the custom segment, or NULL.
custom_run_id               | text | Id of the segment run, or NULL.
label_ids                   | json | Ids of its labels.
address_id                  | int  | Id of the sender's address.
media_urls                  | json | URLs of the media of an MMS.
preview_url                 | text | URL of the preview.
shorten_track_links_enabled | bool | Whether links are shortened and tracked.
quiet_hours_enabled         | int  | Whether quiet hours are on.
scheduled_by                | int  | User who scheduled it.
created_at                  | time | When it was created.
created_by                  | int  | User who created it.
updated_at                  | time | When it was last changed.
updated_by                  | int  | User who last changed it.
deleted_at                  | time | When it was deleted, or found to be gone; else NULL.
sift_approved               | int  | State of the Sift review.
arc_approved                | int  | State of the ARC review.
extra                       | json | What else the server said, or what could not be read; NULL where there was nothing.
first_collected_at          | time | When this store first saw it.
collected_at                | time | When it was last seen.
failures_collected_at       | time | When its failure_groups were last fetched whole, or NULL.
recipients_collected_at     | time | When its recipients were last fetched whole, or NULL.
run_id                      | text | The run that last saw it.
sitting                     | int  | The account's sitting that last saw it.
failures_counts             | text | The counts, in the order of metrics, that its failure_groups were fetched under.
recipients_counts           | text | The counts that its recipients were fetched under; after a `?` they may be others.
""",
    ),
    _table(
        "metrics",
        "The latest counts of each broadcast, over its whole life.",
        "account broadcast_id",
        "account | text | The account.\nbroadcast_id | int | The broadcast."
        + _COUNTS
        + """collected_at | time | When the counts were last fetched.
changed_at | time | When they were first seen as they are.
run_id | text | The run that last fetched them.
""",
    ),
    _table(
        "metrics_history",
        "The counts over time: a row for each run in which they had changed. They hold until the next row.",
        "account broadcast_id run_id",
        "account | text | The account.\nbroadcast_id | int | The broadcast.\nrun_id | text | The run that saw it."
        + _COUNTS
        + "collected_at | time | When they were fetched.\n",
    ),
    _table(
        "failure_groups",
        "Why messages of a broadcast failed, counted by error code.",
        "account broadcast_id error_code error_source",
        """
account      | text | The account.
broadcast_id | int  | The broadcast.
error_code   | text | Error code, such as `30003`; empty where the server gave none.
error_source | text | `twilio`, `ac`, or empty.
count        | int  | How many messages.
collected_at | time | When it was fetched.
run_id       | text | The run that last fetched it.
""",
    ),
    _table(
        "recipients",
        "The contacts that a broadcast was sent to (where they were asked for). One that is erased keeps its row.",
        "account broadcast_id contact_id",
        """
account        | text | The account.
broadcast_id   | int  | The broadcast.
contact_id     | int  | ActiveCampaign's id of the contact.
name           | text | Name of the contact; NULL once it is erased.
phone_number   | text | Phone number, as it was typed; NULL once it is erased.
sent_date      | time | When the message was sent.
deliverability | text | `delivered`, `failed`, or what else the server says.
clicks         | int  | Clicks on links.
reply_count    | int  | Number of replies; their text is in replies.
opt_out        | text | `yes`, `no`, or what else the server says.
error_code     | text | Why it failed, or NULL.
error_source   | text | `twilio`, `ac`, or NULL.
extra          | json | What else the server said, or what could not be read; NULL where there was nothing.
collected_at   | time | When it was fetched.
run_id         | text | The run that last fetched it.
sitting        | int  | The account's sitting that last fetched it.
erased_at      | time | When its name, phone number and replies were blanked: gone at the server, forgotten, or too old.
""",
    ),
    _table(
        "replies",
        "What recipients replied.",
        "account broadcast_id contact_id position",
        """
account      | text | The account.
broadcast_id | int  | The broadcast.
contact_id   | int  | The contact.
position     | int  | Place in the contact's replies, from 0, in the server's order.
message      | text | The reply.
date         | time | When it came.
""",
    ),
    _table(
        "credits",
        "The account's SMS credits, a row for each run.",
        "account run_id",
        """
account              | text | The account.
run_id               | text | The run.
period               | text | Length of the period, such as `month`.
next_refill_date     | time | When the next period begins.
included_this_period | int  | Credits that the plan includes in a period.
used_this_period     | int  | Credits used in this period.
extra_credits        | int  | Credits bought on top.
available            | int  | Credits left.
collected_at         | time | When it was fetched.
""",
    ),
    _table(
        "lists",
        "The lists that broadcasts go to, by name. One that is gone keeps its row.",
        "account list_id",
        """
account          | text | The account.
list_id          | int  | ActiveCampaign's id of the list.
name             | text | Name.
subscriber_count | int  | Contacts on it.
collected_at     | time | When it was last seen.
run_id           | text | The run that last saw it.
""",
    ),
    _table(
        "time_zones",
        "How far clocks are from UTC in the zones of the accounts: a row for each change, which holds until the next.",
        "timezone since",
        """
timezone   | text | Name of the zone, as in accounts.
since      | time | From when on.
utc_offset | int  | Seconds that clocks are ahead of UTC (negative: behind).
""",
    ),
    _table(
        "snapshots",
        "The account's totals as the server counts them, a row for each run, over the run's window.",
        "account run_id",
        "account | text | The account.\nrun_id | text | The run.\n"
        "window_start | date | First day, or NULL for all time.\nwindow_end | date | Last day, or NULL.\n"
        "campaigns | int | Broadcasts counted." + _COUNTS + "collected_at | time | When it was fetched.\n",
    ),
    _table(
        "failed_ids",
        "What could not be fetched and is owed: later runs try it again, and remove the row when one succeeds.",
        "account kind broadcast_id",
        """
account         | text | The account.
kind            | text | `broadcast`, `metrics`, `failures`, `recipients`, `credits`, `lists`, `snapshot`.
broadcast_id    | int  | The broadcast, or 0 where it is about the account.
error           | text | What went wrong, in words.
error_type      | text | Class of the error, such as `ServerError`.
http_status     | int  | HTTP status, or NULL.
attempts        | int  | How many runs that came to their end have tried it.
first_failed_at | time | When it first failed.
last_failed_at  | time | When it last failed.
run_id          | text | The run in which it last failed.
retry_sitting   | int  | The account's sitting from which on it is tried again.
given_up_at     | time | When it was given up after many attempts and is no longer owed, or NULL.
""",
    ),
    _table(
        "forgotten",
        "Contacts who want to be forgotten: their names, phone numbers and replies are blanked, and stay so.",
        "account contact_id",
        """
account      | text | The account.
contact_id   | int  | The contact.
forgotten_at | time | Since when.
""",
    ),
    _table(
        "checkpoints",
        "How far a run of an older release has come in a list of pages. Lists are read in one sitting now.",
        "run_id name",
        """
run_id | text | The run.
name   | text | The list: `all`, `recent`, a status, or `recipients:<broadcast id>`.
token  | text | Where to go on, or NULL at the beginning.
done   | int  | 1 when the list was read to its end.
""",
    ),
    _table(
        "work",
        "What an unfinished run has to fetch. Emptied when the run is complete.",
        "run_id kind broadcast_id",
        """
run_id       | text | The run.
kind         | text | As in failed_ids.
broadcast_id | int  | The broadcast, or 0.
seq          | int  | Order in which it is fetched.
done         | int  | 1 when it was fetched, or has failed.
""",
    ),
)

_LOCAL = """
timezone | text | Zone of the account's calendar, or `UTC` where it isn't known.
sent_day | date | Day on which it was sent, in that calendar.
sent_week | date | The Monday of that day's week.
sent_month | text | Month, such as `2026-03`.
sent_weekday | int | Day of the week: 1 is Monday, 7 is Sunday.
sent_hour | int | Hour of the day, 0 to 23.
"""

VIEWS: tuple[Table, ...] = (
    _table(
        "broadcast_rates",
        "One row for each broadcast that isn't deleted: what it is, its counts and its rates. Begin here.",
        "",
        "account | text | The account.\nbroadcast_id | int | The broadcast.\n"
        "name | text | Name.\nstatus | text | Status.\n"
        "sent_date | time | When it was sent."
        + _COUNTS
        + _RATES.lstrip()
        + "collected_at | time | When the counts were fetched.\n"
        + _LOCAL.lstrip(),
    ),
    _table(
        "monthly_rates",
        "Broadcasts sent in each month of the account's calendar, their counts and rates.",
        "",
        "account | text | The account.\nmonth | text | Month, such as `2026-03`.\n"
        "broadcasts | int | Broadcasts sent." + _COUNTS + _RATES.lstrip(),
    ),
    _table(
        "weekly_rates",
        "Broadcasts sent in each week of the account's calendar, their counts and rates.",
        "",
        "account | text | The account.\nweek | date | Monday of the week.\n"
        "broadcasts | int | Broadcasts sent." + _COUNTS + _RATES.lstrip(),
    ),
    _table(
        "week_over_week",
        "Each week beside the week before. What stands for that week is NULL where nothing was sent in it.",
        "",
        """
account              | text | The account.
week                 | date | Monday of the week.
broadcasts           | int  | Broadcasts sent.
sends                | int  | Messages sent.
delivery_rate        | real | deliveries / sends.
failure_rate         | real | failures / sends.
click_rate           | real | clicks / deliveries.
reply_rate           | real | replies / deliveries.
opt_out_rate         | real | opt_outs / deliveries.
broadcasts_before    | int  | Broadcasts sent in the week before.
sends_before         | int  | Messages sent in the week before.
delivery_rate_change | real | By how much the rate is higher than in the week before: 0.01 is a percentage point.
failure_rate_change  | real | The same of the failure rate.
click_rate_change    | real | The same of the click rate.
reply_rate_change    | real | The same of the reply rate.
opt_out_rate_change  | real | The same of the opt-out rate.
""",
    ),
    _table(
        "broadcast_lists",
        "Which lists each broadcast that isn't deleted goes to: a row for each of them.",
        "",
        """
account      | text | The account.
broadcast_id | int  | The broadcast.
list_id      | int  | The list.
name         | text | Name of the list, or NULL where it isn't known.
""",
    ),
    _table(
        "latest",
        "Each account as of now: how its last run ended, what is owed, and its credits.",
        "",
        """
account              | text | The account.
url                  | text | Base URL.
timezone             | text | Zone of its calendar, or `UTC` where it isn't known.
run_id               | text | Its last run.
status               | text | How that ended, or `running`.
error                | text | What ended a failed run, or what a partial one owes.
started_at           | time | When that run started.
finished_at          | time | When it ended, or NULL.
complete_at          | time | When a run last was complete, or NULL.
owed                 | int  | Ids that are owed; see failed_ids.
available            | int  | Credits left, as its last run to ask for them saw it.
used_this_period     | int  | Credits used in this period.
included_this_period | int  | Credits that the plan includes in a period.
extra_credits        | int  | Credits bought on top.
next_refill_date     | time | When the next period begins.
credits_collected_at | time | When the credits were fetched.
""",
    ),
    _table(
        "account_rates",
        "All broadcasts of an account together.",
        "",
        "account | text | The account.\nbroadcasts | int | Broadcasts with counts." + _COUNTS + _RATES.lstrip(),
    ),
    _table(
        "failure_totals",
        "Failed messages of an account by error code.",
        "",
        """
account      | text | The account.
error_code   | text | Error code.
error_source | text | `twilio`, `ac`, or empty.
broadcasts   | int  | In how many broadcasts.
count        | int  | How many messages.
""",
    ),
)

_BY_NAME = {entry.name: entry for entry in (*TABLES, *VIEWS)}


def table(name: str) -> Table:
    """The table or view called `name`; KeyError where there is none."""
    return _BY_NAME[name]
