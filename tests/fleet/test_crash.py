"""What a run reports as complete is on disk, also where the store's cluster alone crashes the moment after."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import anyio
import psycopg
import pytest

from ac_sms_async.collect import Window, open_store
from ac_sms_async.collect.job import collect_source
from ac_sms_async.fleet.lease import Lease
from ac_sms_async.fleet.stores import LeasedStore, Stores
from tests.collect.fakes import EVERYTHING, FakeSource
from tests.fleet.conftest import embedded

pytestmark = pytest.mark.anyio


async def test_what_is_complete_outlives_a_crash() -> None:
    with tempfile.TemporaryDirectory(prefix="ac-sms-postgres-") as folder:
        server = embedded(Path(folder))
        try:
            dsn = server.get_uri()
            with psycopg.connect(dsn, autocommit=True) as connection:
                # Whoever doesn't wait for the disk has long enough to lose what it wrote.
                connection.execute("ALTER SYSTEM SET wal_writer_delay TO '10s'")
                connection.execute("SELECT pg_reload_conf()")
            async with Stores(dsn, size=1) as stores, await open_store(dsn) as all_along:
                assert await all_along.read("SELECT COUNT(*) FROM runs") == [(0,)]
                store = LeasedStore(await stores.get(), Lease(3600))
                source = FakeSource(ids=list(range(1, 9)), latency=0.0, pace=0.0)
                result = await collect_source(source, store, Window(), EVERYTHING, exclusive=False)
                assert result.status == "complete"
                # Without a word to anybody, as in a power cut: nothing is flushed.
                postmaster = server.get_pid()
                os.kill(postmaster, signal.SIGQUIT)
                with anyio.fail_after(30):
                    while (Path(folder) / "postmaster.pid").exists():  # noqa: ASYNC110 - it happens in another process
                        await anyio.sleep(0.05)
                server.ensure_postgres_running()
                for again in (all_along, await stores.get()):
                    assert await again.read("SELECT status FROM runs") == [("complete",)]
                    assert await again.read("SELECT COUNT(*) FROM metrics") == [(8,)]
        finally:
            server.cleanup()
