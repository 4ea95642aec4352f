"""`from_env` takes by name and type exactly what the class takes."""

from __future__ import annotations

import inspect

from ac_sms_async.client import ClientOptions, SMSClient


def test_from_env_takes_all_options_of_the_class() -> None:
    parameters = inspect.signature(SMSClient.__init__).parameters.values()
    options = {item.name: item.annotation for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY}
    # Both as written: neither module evaluates its annotations.
    assert {name: hint.__forward_arg__ for name, hint in ClientOptions.__annotations__.items()} == options
