"""`python -m ac_sms_async.sandbox`."""

from ac_sms_async.sandbox.command import sandbox

sandbox(prog_name="python -m ac_sms_async.sandbox")
