"""Sandboxes for tests: served on a port, with a plain client of another make than ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ac_sms_async.sandbox import Clock, Sandbox
from tests.sandbox.served import Served

NOON = datetime(2026, 1, 5, 18, tzinfo=UTC)
"""In Chicago."""


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts sandboxes: without a rate limit and with time standing still, at a noon of 2026, unless told otherwise."""
    with ExitStack() as stack:

        def start(**options: Any) -> Served:
            usual: dict[str, Any] = {"rate_limit": None, "clock": Clock(NOON, speed=0)}
            sandbox = stack.enter_context(Sandbox(**{**usual, **options}))
            # Without TLS there is nothing to verify, and loading the certificates takes longer than most tests.
            http = httpx.Client(
                base_url=f"{sandbox.url}/api/3", headers={"Api-Token": sandbox.token}, timeout=5, verify=False
            )
            return Served(sandbox, stack.enter_context(http))

        yield start


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A sandbox of seed 7 with 30 broadcasts, the largest to 500 recipients."""
    return serve(seed=7, broadcasts=30, recipients=500)
