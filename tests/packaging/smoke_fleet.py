"""Run in an environment with the [fleet] extra: a fleet in a PostgreSQL collects an account of a sandbox."""

from __future__ import annotations

import asyncio
import sys

from ac_sms_async.collect import open_store
from ac_sms_async.fleet import Worker, add_account, enqueue, fleet_status, install, open_database


async def main(dsn: str, url: str) -> None:
    async with open_database(dsn) as database:
        assert await install(database)
        assert await install(database) == []
        await add_account(database, "acme", url, token_env="ACME_TOKEN", schedule="0 3 * * *")
        assert (await enqueue(database)).queued == ["acme"]
        await Worker(dsn=dsn, drain=True).run()
        [account] = (await fleet_status(database)).accounts
        assert account.state == "ok", account
    async with await open_store(dsn) as store:
        assert await store.read("SELECT COUNT(*) FROM metrics") == [(account.rows // 2,)]


asyncio.run(main(*sys.argv[1:]))
