"""A stateful ActiveCampaign SMS look-alike to test against. Needs the `sandbox` extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ac_sms_async.sandbox.broadcast import Pace as Pace
    from ac_sms_async.sandbox.clock import Clock as Clock
    from ac_sms_async.sandbox.faults import Fault as Fault
    from ac_sms_async.sandbox.faults import Faults as Faults
    from ac_sms_async.sandbox.guesses import Guesses as Guesses
    from ac_sms_async.sandbox.journal import Journal as Journal
    from ac_sms_async.sandbox.journal import JournalEntry as JournalEntry
    from ac_sms_async.sandbox.sandbox import AccountAccess as AccountAccess
    from ac_sms_async.sandbox.sandbox import Sandbox as Sandbox

# Imported when first asked for, so that where the extra is missing, that is what is said.
_MODULES = {
    "AccountAccess": "sandbox",
    "Clock": "clock",
    "Fault": "faults",
    "Faults": "faults",
    "Guesses": "guesses",
    "Journal": "journal",
    "JournalEntry": "journal",
    "Pace": "broadcast",
    "Sandbox": "sandbox",
}
__all__ = ["AccountAccess", "Clock", "Fault", "Faults", "Guesses", "Journal", "JournalEntry", "Pace", "Sandbox"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "yaml"):
            raise
        hint = "the sandbox needs more: pip install 'ac-sms-async[sandbox]'"
        raise ModuleNotFoundError(hint, name=error.name) from error
    return getattr(module, name)
