"""Run in an environment with nothing but the core: read, write, export, and leave no warning behind."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import anyio

from ac_sms_async import NotFoundError, SMSClient, __version__


async def main(url: str, token: str) -> None:
    async with SMSClient(url, token, rate_limit=None) as sms:
        assert (await sms.credits.get()).available is not None
        broadcasts = await sms.broadcasts.list().to_list()
        batch = await sms.metrics.fetch([broadcast.id for broadcast in broadcasts])
        assert len(batch.metrics) + len(batch.missing) + len(batch.failed) == len(broadcasts)
        draft = await sms.broadcasts.create(name="Smoke", body="Reply STOP to opt out", list_ids=[1])
        await sms.broadcasts.delete(draft.id)
        try:
            await sms.broadcasts.get(10**9)
        except NotFoundError:
            pass
        else:
            raise AssertionError("there is no such broadcast")
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "recipients.csv")
            async with sms.exports.recipients(1) as export:
                await export.save(target)
            assert await anyio.Path(target).exists()


asyncio.run(main(*sys.argv[1:]))
assert __version__
assert find_spec("openapi_python_client") is None
