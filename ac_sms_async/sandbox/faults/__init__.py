"""What can be made to go wrong, on demand."""

from ac_sms_async.sandbox.faults.fault import KINDS, Fault, Faults

__all__ = ["KINDS", "Fault", "Faults"]
