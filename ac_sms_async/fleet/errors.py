"""What goes wrong in a fleet itself, beside what an account or the store may answer."""

from __future__ import annotations

__all__ = ["AccountMovedError", "FleetError", "LeaseLostError", "OutOfReachError", "WorkerUnfitError"]


class FleetError(Exception):
    """The fleet's database, an account's entry or a key is not as it has to be; the message says what to do."""


class OutOfReachError(FleetError):
    """The fleet's database doesn't answer, or not as it should. No account can do anything about that."""


class WorkerUnfitError(FleetError):
    """A key, a variable or a release is missing on this machine: another worker may be able to do it."""


class AccountMovedError(Exception):
    """An account's job waits under the lock of another URL than the account has now, or its last job still runs there.

    `url` is where it belongs now.
    """

    def __init__(self, name: str, url: str) -> None:
        super().__init__(f"{name} is at {url} now, and waits for its turn there")
        self.url: str = url


class LeaseLostError(Exception):
    """This worker was silent for so long that another one may have taken its accounts: it must not touch them."""
