"""Making the fleet's schema, and bringing it up to date: Procrastinate's part by its own migrations, then ours."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from procrastinate.schema import SchemaManager
from psycopg import sql

from ac_sms_async.fleet.database import SCHEMA, Connection, Database
from ac_sms_async.fleet.errors import FleetError

__all__ = ["check", "install"]

# Any constant: it keeps two processes from doing this at once.
_LOCK = 0x464C_4545


async def install(database: Database) -> list[str]:
    """Make or update the schema in one transaction; returns the names of the steps taken.

    Raises `FleetError`, also for a schema that a newer release has made, which stays as it is. Workers of an
    older release should be stopped first.
    """
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        await connection.execute("CREATE TABLE IF NOT EXISTS steps (name TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL)")
        done = {str(row["name"]) for row in await database.rows("SELECT name FROM steps", on=connection)}
        _refuse_newer(done)
        taken: list[str] = []
        for name, text in _steps(new=not done):
            if name not in done:
                if text:
                    await _run(connection, text)
                await connection.execute("INSERT INTO steps VALUES (%s, now())", (name,))
                taken.append(name)
        return taken


async def check(database: Database) -> None:
    """See that the schema is the one of this release. Raises `FleetError`."""
    done = {str(row["name"]) for row in await database.rows("SELECT name FROM steps")}
    _refuse_newer(done)
    if any(name not in done for name, _ in _steps(new=False)):
        raise FleetError("the fleet's tables are of an older release: stop its workers, then ac-sms fleet init")


def _refuse_newer(done: set[str]) -> None:
    """Steps are numbered: whoever made the tables knew those beyond the last one here."""
    known = {name for name, _ in _steps(new=False)}
    for part in ("fleet/", "procrastinate/"):
        last = max((name for name in known if name.startswith(part)), default="")
        newer = max((name for name in done if name.startswith(part)), default="")
        if newer > last:
            raise FleetError(f"the fleet's tables are of a newer release ({newer}): upgrade here")


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
