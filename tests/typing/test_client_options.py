"""The client takes by name and type exactly what its transport takes, and has a word on each."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from ac_sms_async import ClientOptions, SMSClient, Transport


def test_the_client_takes_all_options_of_the_transport() -> None:
    parameters = inspect.signature(Transport.__init__).parameters.values()
    options = {item.name: item.annotation for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY}
    # Both as written: neither module evaluates its annotations.
    assert {name: hint.__forward_arg__ for name, hint in ClientOptions.__annotations__.items()} == options


def test_the_client_tells_what_each_option_means_and_its_default() -> None:
    told = inspect.getdoc(SMSClient.__init__) or ""
    described = dict(re.findall(r"^    (\w+) \((.*?)\): ", told, re.MULTILINE))
    parameters = inspect.signature(Transport.__init__).parameters
    assert list(described) == list(ClientOptions.__annotations__) == list(parameters)[3:]


def test_a_misspelt_option_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVECAMPAIGN_URL", "http://localhost:1")
    monkeypatch.setenv("ACTIVECAMPAIGN_API_TOKEN", "t")
    misspelt: Any = {"time_out": 1}
    with pytest.raises(TypeError, match="time_out"):
        SMSClient("http://localhost:1", "t", **misspelt)
    with pytest.raises(TypeError, match="time_out"):
        SMSClient.from_env(**misspelt)
    with pytest.raises(TypeError, match="time_out"):
        SMSClient.from_env().with_options(**misspelt)
