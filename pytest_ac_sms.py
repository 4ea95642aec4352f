"""
Pytest fixtures for the sandbox of `ac_sms_async`: `ac_sms_sandbox` serves one, `ac_sms_client` makes clients for it.

Both are synchronous fixtures, so they fit tests on asyncio (pytest-asyncio or anyio), on trio, and without a loop.
Configure the sandbox with a marker: `@pytest.mark.ac_sms_sandbox(broadcasts=300, faults=["*:slow:seconds=0.2"])`.

It stands beside the package and not in it: pytest loads plugins in every run, and the package takes a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from ac_sms_async import SMSClient
    from ac_sms_async.sandbox import Sandbox


class ClientFactory(Protocol):
    """Makes clients for the sandbox: of the first account unless told, with any options of `SMSClient`."""

    def __call__(self, account: str | None = None, **options: Any) -> SMSClient: ...


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "ac_sms_sandbox(**options): options of ac_sms_async.sandbox.Sandbox for the ac_sms_sandbox fixture"
    )


@pytest.fixture
def ac_sms_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A fresh sandbox on a port of its own, served from a thread until the test ends."""
    from ac_sms_async.sandbox import Sandbox

    node: pytest.Item = request.node
    marker = node.get_closest_marker("ac_sms_sandbox")
    options: dict[str, Any] = {**marker.kwargs} if marker else {}
    with Sandbox(**options) as sandbox:
        yield sandbox


@pytest.fixture
def ac_sms_client(ac_sms_sandbox: Sandbox) -> ClientFactory:
    """Makes clients: `async with ac_sms_client() as sms:`, `ac_sms_client("globex", rate_limit=None)`."""
    from ac_sms_async import SMSClient

    def make(account: str | None = None, **options: Any) -> SMSClient:
        access = ac_sms_sandbox if account is None else ac_sms_sandbox.accounts[account]
        options.setdefault("budget", "loop")
        return SMSClient(access.url, access.token, **options)

    return make
