"""What goes wrong in a fleet itself, beside what an account or the store may answer."""

from __future__ import annotations

__all__ = ["FleetError", "LeaseLostError"]


class FleetError(Exception):
    """The fleet's database, an account's entry or a key is not as it has to be; the message says what to do."""


class LeaseLostError(Exception):
    """This worker was silent for so long that another one may have taken its accounts: it must not touch them."""
