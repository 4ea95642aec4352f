"""Which proxy is used: the one that was given, or the one that the environment names."""

from __future__ import annotations

from typing import Any

import pytest

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends.proxies import choose_proxy

ACME = Address.parse("https://acme.api-us1.com")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


def choose(address: Address = ACME, proxy: Any = None, *, trust_env: bool = True, direct: bool = False) -> str | None:
    return choose_proxy(address, proxy, trust_env=trust_env, direct=direct)


def test_none() -> None:
    assert choose() is None
    assert choose(trust_env=False) is None


def test_the_given_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://env:1")
    assert choose(proxy="http://user:pass@given:2") == "http://user:pass@given:2"
    assert choose() == "http://env:1"
    assert choose(trust_env=False) is None


def test_by_scheme_then_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "all:3")
    monkeypatch.setenv("HTTP_PROXY", "plain:4")
    assert choose() == "http://all:3"
    assert choose(Address.parse("http://10.0.0.1", allow_insecure_http=True)) == "http://plain:4"
    # Plain http on the own machine never leaves it.
    assert choose(Address.parse("http://127.0.0.1")) is None
    assert choose(Address.parse("http://localhost:8080")) is None


@pytest.mark.parametrize(
    ("exceptions", "url", "direct"),
    [
        ("*", "https://acme.api-us1.com", True),
        ("other.com, api-us1.com", "https://acme.api-us1.com", True),
        ("acme.api-us1.com", "https://acme.api-us1.com", True),
        ("ACME.API-US1.COM", "https://acme.api-us1.com", True),
        ("me.api-us1.com", "https://acme.api-us1.com", False),
        (".api-us1.com", "https://acme.api-us1.com", True),
        ("*.api-us1.com", "https://acme.api-us1.com", True),
        (".acme.api-us1.com", "https://acme.api-us1.com", False),
        ("api-us1.com:443", "https://acme.api-us1.com", True),
        ("api-us1.com:8443", "https://acme.api-us1.com", False),
        ("api-us1.com:8443", "https://acme.api-us1.com:8443", True),
        ("https://acme.api-us1.com", "https://acme.api-us1.com", True),
        ("all://acme.api-us1.com", "https://acme.api-us1.com", True),
        ("http://acme.api-us1.com", "https://acme.api-us1.com", False),
        ("https://api-us1.com", "https://acme.api-us1.com", False),
        ("10.0.0.1", "https://10.0.0.1", True),
        ("10.0.0.1", "https://10.0.0.2", False),
        ("10.0.0.0/8", "https://10.0.0.1", False),
        ("10.0.0.1:80", "http://10.0.0.1", True),
        ("::1,[::2]", "https://[::2]", True),
        ("localhost", "https://localhost", True),
        ("localhost", "https://sub.localhost", False),
        (",, ", "https://acme.api-us1.com", False),
        ("a:port", "https://a", False),
    ],
)
def test_exceptions(monkeypatch: pytest.MonkeyPatch, exceptions: str, url: str, direct: bool) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy:1")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (choose(Address.parse(url, allow_insecure_http=True)) is None) is direct


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy",
        "http://",
        "http://[::1",
        "http://p:x",
        "http://p:0",
        "ftp://p",
        "http://\u00fc",
        "http://a..b",
        "http://\\p",
        "http:/proxy:3128",
        "http://proxy:3128/path",
        "http://proxy?x",
        "http://proxy:",
        "http://pro\x7fxy",
        5,
    ],
)
def test_a_wrong_one_is_refused_and_not_repeated(proxy: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy must be .* known schemes: http, https, socks5, socks5h$"):
        choose(proxy=proxy)
    with pytest.raises(ConfigurationError) as caught:
        choose(proxy="ftp://user:p4ssword@proxy")
    assert "p4ssword" not in str(caught.value)


def test_a_socks_proxy_needs_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = [None]

    def find_spec(name: str) -> object:
        return found[-1]

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    with pytest.raises(ConfigurationError, match=r"pip install 'httpx\[socks\]'"):
        choose(proxy="socks5://proxy:1080")
    found.append(object())
    assert choose(proxy="socks5://proxy:1080") == "socks5://proxy:1080"


@pytest.mark.parametrize("value", ["http:/proxy:3128", "http//p4ssword@proxy", "ftp://u:p4ssword@proxy", "pro xy"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_wrong_one_of_the_environment_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"^{variable} must be a URL such as http://proxy:3128;") as caught:
        choose()
    assert "p4ssword" not in str(caught.value)
    assert value not in str(caught.value)


def test_a_domain_before_the_user_name_is_part_of_it() -> None:
    proxy = "http://CORP\\user:pw@proxy:3128"
    assert choose(proxy=proxy) == proxy


def test_where_only_direct_connections_are_made_a_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(direct=True) is None
    with pytest.raises(ConfigurationError, match=r"there is a proxy \(proxy\): use backend='httpx'$"):
        choose(proxy="http://proxy:1", direct=True)
    monkeypatch.setenv("HTTPS_PROXY", "http://u:p4ssword@proxy:1")
    with pytest.raises(
        ConfigurationError, match=r"there is a proxy \(HTTPS_PROXY\): use backend='httpx', or "
    ) as caught:
        choose(direct=True)
    assert "p4ssword" not in str(caught.value)
    assert choose(direct=True, trust_env=False) is None
    monkeypatch.setenv("NO_PROXY", "acme.api-us1.com")
    assert choose(direct=True) is None
