"""A stateful ActiveCampaign SMS look-alike to test against."""

from ac_sms_async.sandbox.broadcast import Pace
from ac_sms_async.sandbox.clock import Clock
from ac_sms_async.sandbox.journal import Journal, JournalEntry
from ac_sms_async.sandbox.sandbox import AccountAccess, Sandbox

__all__ = ["AccountAccess", "Clock", "Journal", "JournalEntry", "Pace", "Sandbox"]
