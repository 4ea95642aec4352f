"""The `ac-sms` command: a thin skin over the library."""
