"""`python -m ac_sms_async.sandbox`."""

from ac_sms_async.sandbox.command import main

main()
