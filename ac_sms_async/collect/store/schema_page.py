"""The store's schema as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ac_sms_async.collect.store.schema import TABLES, VIEWS, Table

__all__ = ["markdown"]


def _section(entries: Sequence[Table]) -> Iterator[str]:
    for entry in entries:
        yield f"### {entry.name}\n\n{entry.doc}\n"
        if entry.key:
            yield f"A row is identified by {', '.join(f'`{name}`' for name in entry.key)}.\n"
        yield "| column | type | meaning |\n|---|---|---|"
        for column in entry.columns:
            yield f"| `{column.name}` | {column.type} | {column.doc} |"
        yield ""


_INTRODUCTION = """\
# The store's schema

<!-- Made by `python -m ac_sms_async.collect.store.schema_page`. -->

`ac-sms collect` keeps what it fetched in SQLite (a file) or in PostgreSQL (in the schema `ac_sms`). Both have the same
tables and views. Types are PostgreSQL's; in SQLite a `TIMESTAMPTZ` is text in UTC, such as `2026-03-01T12:00:00Z`, a
`DATE` is text such as `2026-03-01`, a `JSONB` is JSON text, and a `BOOLEAN` is 0 or 1. NULL means that the server
didn't say. Rates are fractions (0.25 is 25 %), and NULL where nothing was sent or delivered.

```sql
-- The ten broadcasts with the best click rate, among those with at least 100 messages:
SELECT name, sent_date, sends, round(100 * click_rate) AS percent
FROM broadcast_rates WHERE sends >= 100 ORDER BY click_rate DESC LIMIT 10;

-- How one broadcast's clicks came in, in the order of the runs, whatever their clocks said:
SELECT m.collected_at, m.clicks FROM metrics_history m JOIN runs r ON r.run_id = m.run_id
WHERE m.account = 'acme' AND m.broadcast_id = 42 ORDER BY r.sitting;
```

More questions, with a query for each: [ask the store](../how-to/questions.md).
"""


def markdown() -> str:
    """This schema as the page `docs/reference/store-schema.md`."""
    return "\n".join((_INTRODUCTION, "## Views\n", *_section(VIEWS), "## Tables\n", *_section(TABLES)))


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the page is this command's output
