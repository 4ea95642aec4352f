"""Run by the installed pytest: the sandbox's fixtures are there without being asked for."""

from __future__ import annotations

import asyncio
from typing import Any


def test_the_fixtures_work(ac_sms_sandbox: Any, ac_sms_client: Any) -> None:
    async def count() -> int | None:
        async with ac_sms_client() as sms:
            found: int | None = await sms.broadcasts.list().count()
            return found

    assert asyncio.run(count())
    assert ac_sms_sandbox.journal
