"""A process that collects, to be killed: `python -m tests.collect.job_process URL TOKEN DATABASE`."""

from __future__ import annotations

import sys

import anyio

from ac_sms_async import RateLimit, SMSClient
from ac_sms_async.collect import collect, open_store


async def main(url: str, token: str, database: str) -> None:
    # Faster than the real thing allows, evenly all the same.
    limit = RateLimit(1, per=0.01, margin=0.0)
    async with SMSClient(url, token, account="acme", rate_limit=limit) as sms, await open_store(database) as store:
        result = await collect(sms, store, include={"failures", "recipients"})
    raise SystemExit(result.exit_code)


if __name__ == "__main__":
    url, token, database = sys.argv[1:]
    anyio.run(main, url, token, database)
