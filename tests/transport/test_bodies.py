"""Bodies out and in: strict JSON out, whatever the server calls an answer in."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.errors import (
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableError,
)
from ac_sms_async.transport import bodies
from ac_sms_async.transport.bodies import (
    ERROR_BODY_LIMIT,
    JSONLoads,
    decode_json,
    decode_text,
    encode_json,
    loads_for,
    reported_failure,
    status_error,
)
from ac_sms_async.transport.redaction import Redaction

REDACT = Redaction("s3cret-t0ken")
LOADS = [loads_for(None), bodies.default_loads]


def test_requests_are_compact_json() -> None:
    assert encode_json({"name": "50 % off \u20ac", "ids": [1, 2], "x": None}) == (
        '{"name":"50 % off \u20ac","ids":[1,2],"x":null}'.encode()
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, {"x": {1, 2}}, object(), "\ud800", {("a",): 1}])
def test_what_json_cannot_say_is_not_sent(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent as JSON") as caught:
        encode_json({"x": value} if not isinstance(value, dict) else value)
    assert caught.value.__context__ is None


def test_a_body_without_end_is_not_sent() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ConfigurationError, match="cannot be sent as JSON"):
        encode_json(loop)


@pytest.mark.parametrize("loads", LOADS)
@pytest.mark.parametrize(
    ("body", "value"),
    [(b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}), (b"\xef\xbb\xbf{}", {}), (b'"\\ud800"', "\ud800"), (b" 1 ", 1)],
)
def test_json_is_read_the_same_with_and_without_orjson(loads: JSONLoads, body: bytes, value: Any) -> None:
    assert decode_json(loads, body, 200, REDACT) == value


@pytest.mark.parametrize("loads", LOADS)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the answer is empty where JSON was promised"),
        (b" \r\n", "the answer is empty"),
        (b'{"a": 1}{"b": 2}', "not the JSON that was promised: Extra data"),
        (b'{"a": ', "not the JSON that was promised"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "not the JSON that was promised"),
        (b'{"a": "\xff"}', "not the JSON that was promised"),
        (
            b"<!doctype html><html><head><title>x</title></head><body>We are <b>down</b></body></html>",
            "HTML page .*: We are down$",
        ),
        (b"<br/>", "HTML page .*: an HTML page"),
    ],
)
def test_what_is_no_json(loads: JSONLoads, body: bytes, says: str) -> None:
    with pytest.raises(InvalidResponseError, match=says) as caught:
        decode_json(loads, body, 203, REDACT)
    assert (caught.value.status, caught.value.path) == (203, "$")
    assert caught.value.body == body[:ERROR_BODY_LIMIT]
    # What it would be chained to holds the whole body.
    assert caught.value.__context__ is None


def test_a_json_loads_of_the_caller_may_fail_as_it_likes() -> None:
    class Bad(Exception):
        pass

    def loads(body: bytes) -> Any:
        raise Bad

    with pytest.raises(InvalidResponseError, match=r"promised: Bad$"):
        decode_json(loads, b"{}", 200, REDACT)


def test_text() -> None:
    assert decode_text(b"\xef\xbb\xbfid,name\n", 200) == "id,name\n"
    with pytest.raises(InvalidResponseError, match="not UTF-8 from byte 2 on"):
        decode_text(b"ab\xff", 200)


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"success": 0, "message": "Rate limit exceeded.", "failureReasons": []}, "Rate limit exceeded."),
        ({"success": False, "errors": ["no", "never"]}, "no; never"),
        ({"succeeded": 0}, "succeeded is 0"),
        ({"success": "false"}, "success is 'false'"),
        ({"success": True}, None),
        ({"success": 1, "succeeded": "1"}, None),
        ({"success": None}, None),
        ({"success": {}}, None),
        ({}, None),
        ([{"success": 0}], None),
        (None, None),
    ],
)
def test_a_success_may_report_a_failure(value: Any, failure: str | None) -> None:
    assert reported_failure(value, REDACT) == failure


HTML = (
    b"<html><style>p {}</style><body><p>We are currently having some issues.</p> <p>Please check back soon.</p></body>"
)


@pytest.mark.parametrize(
    ("body", "message", "errors"),
    [
        (b"", "", ()),
        (b"{}", "", ()),
        (b'{"message": "Forbidden"}', "Forbidden", ()),
        (
            b'{"errors": [{"title": "Bad", "detail": "name is missing", "code": "x", "source": {"pointer": "/name"}}]}',
            "Bad: name is missing",
            ("Bad: name is missing",),
        ),
        (b'{"errors": [{"detail": "only"}, {"status": 422, "title": "t"}]}', "only; t", ("only", "t")),
        (b'{"errors": [{"code": 7}, {"status": 422}]}', "code 7; code 422", ("code 7", "code 422")),
        (b'{"errors": ["one", "two"]}', "one; two", ("one", "two")),
        (b'{"errors": "just text"}', "just text", ("just text",)),
        (
            b'{"errors": {"name": ["too long", ""], "body": "missing"}}',
            "name: too long; body: missing",
            ("name: too long", "body: missing"),
        ),
        (b'{"success": 0, "message": "m", "failureReasons": ["r"]}', "m: r", ("r",)),
        (b'{"message": "no list 99", "errors": ["list 99", "no body"]}', "no list 99: no body", ("list 99", "no body")),
        (b'{"message": "m", "error": "Duplicate entry"}', "m: Duplicate entry", ("Duplicate entry",)),
        (b'{"message": " ", "error": "Duplicate entry"}', "Duplicate entry", ("Duplicate entry",)),
        (b'{"message": 5, "errors": [7, null]}', "", ()),
        (b'{"message": "first"}{"message": "second"}', "first", ()),
        (b'{"message": "cut', '{"message": "cut', ()),
        (b'["a", "b"]', "a; b", ("a", "b")),
        (b"5", "", ()),
        (b"\xef\xbb\xbfplain  text\n of\tthe server", "plain text of the server", ()),
        (HTML, "We are currently having some issues. Please check back soon.", ()),
        (b"\xff\xfe", "\ufffd\ufffd", ()),
        (b'{"errors": [[[[[["deep"]]]]]]}', "", ()),
        (b"[" * 60_000, "[" * 500 + "...", ()),
    ],
)
def test_error_bodies_in_all_their_forms(body: bytes, message: str, errors: tuple[str, ...]) -> None:
    error = status_error(422, {"retry-after": "7"}, body, REDACT)
    assert error.message == (f"HTTP 422: {message}" if message else "HTTP 422")
    assert (error.status, error.errors, error.body, error.retry_after) == (422, errors, body, 7)
    assert error.headers == {"retry-after": "7"}


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (404, "No Result found for FieldValue with id 10", NotFoundError),
        (403, "No Result found for FieldValue with id 10", NotFoundError),
        (403, "Forbidden", PermissionDeniedError),
        (422, "No Result found for FieldValue with id 10", UnprocessableError),
    ],
)
def test_a_403_that_says_there_is_none_means_it(status: int, said: str, kind: type[Exception]) -> None:
    error = status_error(status, {}, json.dumps({"message": said}).encode(), REDACT)
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirect_says_that_the_url_is_probably_wrong(status: int) -> None:
    error = status_error(status, {"location": "https://www.activecampaign.com"}, b"<a>moved</a>", REDACT)
    assert "never followed" in error.message
    assert "account name or URL is probably wrong" in error.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "message", "title", "detail", "code", "success", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values, st.integers(300, 599))
def test_no_error_body_is_too_odd(value: Any, status: int) -> None:
    error = status_error(status, {}, json.dumps(value).encode(), REDACT)
    assert error.message.startswith("HTTP")
    assert all(isinstance(text, str) for text in error.errors)
    reported_failure(value, REDACT)


@given(st.binary(max_size=40))
def test_no_bytes_are_too_odd(body: bytes) -> None:
    assert status_error(500, {}, body, REDACT).status == 500
    for loads in LOADS:
        with contextlib.suppress(InvalidResponseError):
            decode_json(loads, body, 200, REDACT)


@pytest.mark.parametrize(
    ("token", "said", "read"),
    [
        ("test", "No contact found in this test", "No contact found in this ***"),
        ("test", "attested, test_list, tests", "attested, test_list, tests"),
        ("e", "HTTP method not allowed", "HTTP method not allowed"),
        ("message", "no message", "no ***"),
        ("1234567", "12345678 1234567", "12345678 ***"),
        ("12345678", "x12345678x", "x***x"),
        ("a/b/c/d/e/f", "no a/b/c/d/e/f", "no ***"),
        ('quoted"token', 'no quoted"token', "no ***"),
        ("s3cret-t0ken", "x" * 494 + " s3cret-t0ken", "x" * 494 + " ***"),
        ("s3cret-t0ken", "y" * 496 + " s3cret-t0ken", "y" * 496 + " ***"),
        ("s3cret-t0ken", "z" * 498 + " s3cret-t0ken", "z" * 498 + " *..."),
    ],
)
@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_the_token_is_taken_out_of_what_was_said_and_nothing_else_is(
    token: str, said: str, read: str, slash: str
) -> None:
    body = json.dumps({"message": said}).replace("/", slash).encode()
    error = status_error(404, {"x-echo": f"Token {token}"}, body, Redaction(token))
    assert error.message == f"HTTP 404: {read}"
    assert error.headers == {"x-echo": "Token ***"}
    written = json.dumps({"message": said}).replace(json.dumps(token)[1:-1], "***") if len(token) >= 8 else None
    if written is not None:
        assert json.loads(error.body) == json.loads(written)
    assert reported_failure({"success": 0, "message": said}, Redaction(token)) == read


def test_all_that_is_given_is_redacted_as_what_it_is() -> None:
    assert REDACT("a s3cret-t0ken and s3cret-t0ken") == "a *** and ***"
    assert REDACT(b"a s3cret-t0ken and s3cret-t0ken") == b"a *** and ***"
