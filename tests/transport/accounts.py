"""Accounts without clients of the real kind, for tests of what they share."""

from __future__ import annotations

from ac_sms_async.options import RateLimit
from ac_sms_async.transport.account import Account


class Client:
    """Whoever shares an account."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


def shared(*limits: RateLimit) -> tuple[Account, list[Client]]:
    """An account, and clients with these limits, who share it as long as somebody holds them."""
    account = Account("acme")
    clients = [Client() for _ in limits]
    for client, limit in zip(clients, limits, strict=True):
        account.join(client, limit)
    return account, clients
