"""Where an account lives: URLs as people paste them, tokens, and paths that stay where they say."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.address import Address, check_headers, check_path, check_query, check_token

BASE = "https://acme.api-us1.com"


@pytest.mark.parametrize(
    "pasted",
    [
        "https://acme.api-us1.com",
        "https://acme.api-us1.com/",
        "https://acme.api-us1.com/api/3",
        " \thttps://acme.api-us1.com/api/3//\n",
        "HTTPS://ACME.api-us1.com:443/api/3/",
    ],
)
def test_a_pasted_url(pasted: str) -> None:
    address = Address.parse(pasted)
    assert (address.origin, address.account, address.base) == (BASE, BASE, BASE + "/api/3")
    assert address.netloc == "acme.api-us1.com"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8080/acme", "http://127.0.0.1:8080/acme/api/3"),
        ("http://127.0.0.1:8080/acme/api/3/", "http://127.0.0.1:8080/acme/api/3"),
        ("http://127.0.0.1:80", "http://127.0.0.1/api/3"),
        ("http://localhost:1", "http://localhost:1/api/3"),
        ("http://acme.localhost", "http://acme.localhost/api/3"),
        ("http://[::1]:9", "http://[::1]:9/api/3"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]/api/3"),
        ("https://xn--bcher-kva.example:8443/v%20w", "https://xn--bcher-kva.example:8443/v%20w/api/3"),
    ],
)
def test_hosts_ports_and_prefixes(url: str, base: str) -> None:
    assert Address.parse(url).base == base


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "must be the account's URL"),
        (b"https://acme.example", "must be the account's URL"),
        ("  ", "must be the account's URL"),
        ("acme.api-us1.com", "begin with https://"),
        ("s3cret-t0ken-of-acme", "begin with https://"),
        ("ftp://acme.example", "begin with https://"),
        ("https:acme.example", "begin with https://"),
        ("https://acme.example/a b", "white space"),
        ("https://acme.example\\@evil.example", "backslash"),
        ("https://b\u00fccher.example", "xn--"),
        ("https://acme.example?x=1", "leave out the query"),
        ("https://acme.example/#top", "leave out the query"),
        ("https://user:s3cret-t0ken-of-acme@acme.example", "user name or password"),
        ("https://@acme.example", "user name or password"),
        ("https://", "no valid host"),
        ("https:///api/3", "no valid host"),
        ("https://acme..example", "no valid host"),
        ("https://-acme.example", "no valid host"),
        ("https://acme.example:", "no valid host"),
        ("https://acme.example:0", "no valid host"),
        ("https://acme.example:port", "no valid host"),
        ("https://acme.example:65536", "no valid host"),
        ("https://[::1", "no valid host"),
        ("https://1.2.3", "no valid host"),
        ("https://" + "a" * 64 + ".example", "no valid host"),
        ("https://acme.example/../evil", "the path of base_url"),
        ("https://acme.example/a//b", "the path of base_url"),
        ("https://acme.example/%2e%2e/b", "the path of base_url"),
        ("http://acme.api-us1.com", "in the clear"),
        ("http://10.0.0.1", "in the clear"),
        ("http://localhost.evil.example", "in the clear"),
    ],
)
def test_a_wrong_url_says_what_to_do_and_is_not_repeated(url: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        Address.parse(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_plain_http_off_the_own_machine_has_to_be_meant() -> None:
    assert Address.parse("http://10.0.0.1:81", allow_insecure_http=True).origin == "http://10.0.0.1:81"
    assert not Address.parse("http://10.0.0.1:81", allow_insecure_http=True).is_loopback
    assert Address.parse("http://127.8.9.1:81").is_loopback


@pytest.mark.parametrize(
    "token",
    ["", " ", "a b", "token\n", "a\r\nX-Evil: 1", "t\x00", "t\x7f", "caf\u00e9", "\u0442okен", None, b"token", 5],
)
def test_a_token_that_cannot_stand_in_a_header(token: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_token") as caught:
        check_token(token)
    if isinstance(token, str) and token.strip():
        assert token not in str(caught.value)


def test_a_token() -> None:
    assert check_token("abc-123_~!") == "abc-123_~!"


@pytest.mark.parametrize(
    "path", ["/sms/broadcasts", "/sms/broadcasts/3", "/a.b/c~d", "/sms/ai/caf%C3%A9", "/a%20b", "/100%"]
)
def test_a_path(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "sms/broadcasts",
        "//evil.example/sms",
        "https://evil.example/sms",
        "/sms//broadcasts",
        "/sms/",
        "/",
        "/sms/../contacts",
        "/sms/.",
        "/sms/%2e%2E/contacts",
        "/sms/.%2e",
        "/sms/%252e%252e/contacts",
        "/sms/a%2fb",
        "/sms/a%252Fb",
        "/sms/a%5cb",
        "/sms\\broadcasts",
        "/sms?limit=1",
        "/sms#top",
        "/sms broadcasts",
        "/sms\r\nX: 1",
        "/sms/%0d%0aX",
        "/sms/%00",
        "/caf\u00e9",
        None,
        3,
    ],
)
def test_a_path_that_leads_elsewhere(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="other hosts never get the token"):
        check_path(path)


def test_a_query_as_it_stands_in_a_request_line() -> None:
    assert check_query("filters%5Bname%5D=a%20b&limit=2") == "filters%5Bname%5D=a%20b&limit=2"


@pytest.mark.parametrize("query", ["a=b c", "a=b HTTP/1.1\r\nX: 1", "a=b#c", "a=caf\u00e9", "a=\x00", "", None, 3])
def test_a_query_that_would_be_read_as_something_else(query: Any) -> None:
    with pytest.raises(ConfigurationError, match="percent-encoded"):
        check_query(query)


@given(st.text(max_size=12))
@example("..")
@example("a/b")
@example("%2e%2e")
def test_an_id_as_a_segment_is_sent_as_it_is_or_refused(text: str) -> None:
    path = f"/sms/broadcasts/ai/{quote(text, safe='')}"
    try:
        assert check_path(path) == path
    except ConfigurationError:
        assert text in ("", ".", "..") or any(c in "/\\%" or not c.isprintable() for c in text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "elsewhere"),
        ("api-token", "x"),
        ("Content-Length", "0"),
        ("X A", "x"),
        ("", "x"),
        ("X-A", "x\r\nX-B: y"),
        ("X-A", "é"),
        ("X-A", " x"),
    ],
)
def test_a_header_that_would_say_something_else_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="header"):
        check_headers(((name, value),))
    assert check_headers((("X-A", "x y"), ("X-B", ""))) == (("X-A", "x y"), ("X-B", ""))
