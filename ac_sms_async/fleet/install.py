"""Making the fleet's schema, and bringing it up to date: Procrastinate's part by its own migrations, then ours."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from procrastinate.schema import SchemaManager
from psycopg import sql

from ac_sms_async.fleet.database import SCHEMA, Connection, Database

__all__ = ["install"]

# Any constant: it keeps two processes from doing this at once.
_LOCK = 0x464C_4545


async def install(database: Database) -> list[str]:
    """Make or update the schema in one transaction; returns the names of the steps taken. Raises `FleetError`.

    Workers of an older release should be stopped first.
    """
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        await connection.execute("CREATE TABLE IF NOT EXISTS steps (name TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL)")
        done = {str(row["name"]) for row in await database.rows("SELECT name FROM steps", on=connection)}
        taken: list[str] = []
        for name, text in _steps(new=not done):
            if name not in done:
                if text:
                    await _run(connection, text)
                await connection.execute("INSERT INTO steps VALUES (%s, now())", (name,))
                taken.append(name)
        return taken


def _steps(*, new: bool) -> list[tuple[str, str]]:
    """Names and SQL, in order. A new schema is made whole, and its migrations only noted as done."""
    folder = Path(SchemaManager.get_migrations_path())
    queue = [(f"procrastinate/{file.name}", "" if new else file.read_text("utf-8")) for file in folder.glob("*.sql")]
    whole = [("procrastinate", SchemaManager.get_schema())] if new else []
    ours = [
        (f"fleet/{file.name}", file.read_text("utf-8"))
        for file in (resources.files("ac_sms_async.fleet") / "migrations").iterdir()
    ]
    return [*whole, *sorted(queue), *sorted(ours)]


async def _run(connection: Connection, text: str) -> None:
    # From files of this package and of Procrastinate, never from outside; as bytes, because psycopg takes only such
    # text that stands in the source.
    await connection.execute(text.encode())
