"""Bodies: a request's JSON to bytes, a success's bytes to JSON, and whatever the server says when it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from ac_sms_async.errors import (
    APIStatusError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    status_error_class,
)
from ac_sms_async.transport.redaction import Redaction
from ac_sms_async.transport.retry import retry_after

__all__ = [
    "ERROR_BODY_LIMIT",
    "JSONLoads",
    "decode_json",
    "decode_text",
    "default_loads",
    "encode_json",
    "is_something_else",
    "loads_for",
    "not_csv",
    "reported_failure",
    "status_error",
]

ERROR_BODY_LIMIT = 64 * 1024
"""Bytes of an error's body that are read and kept; the rest only costs time."""

JSONLoads: TypeAlias = Callable[[bytes], Any]

try:
    import orjson
except ImportError:  # it comes with the [speedups] extra
    _fast_loads: JSONLoads | None = None
else:
    _fast_loads = orjson.loads

_MESSAGE_LIMIT = 500
_OTHER_THAN_CSV = frozenset({"html", "javascript", "json", "pdf", "xhtml", "xml", "zip"})
_FAILED: tuple[object, ...] = (0, "0", "false", "False")


def encode_json(value: Any) -> bytes:
    """`value` as compact JSON. What JSON cannot say (NaN, a date, a lone surrogate) is a `ConfigurationError`."""
    # Not orjson: it turns NaN into null, and request bodies are small.
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        problem = ConfigurationError(f"the request's body cannot be sent as JSON: {error}")
    raise problem


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_strict = json.JSONDecoder(parse_constant=_refuse_constant)


def _stdlib_loads(body: bytes) -> Any:
    return _strict.decode(body.decode("utf-8-sig"))


def loads_for(fast_loads: JSONLoads | None) -> JSONLoads:
    """What reads JSON: the faster one where it is installed, and the standard library where that one declines."""
    if fast_loads is None:
        return _stdlib_loads

    def loads(body: bytes) -> Any:
        try:
            return fast_loads(body)
        except ValueError:
            # orjson is stricter than the standard library (byte order marks, lone surrogates): which of the two is
            # installed must not decide what can be read.
            return _stdlib_loads(body)

    return loads


default_loads: JSONLoads = loads_for(_fast_loads)


def decode_json(loads: JSONLoads, body: bytes, status: int, redact: Redaction) -> Any:
    """The JSON value in a success's body, or an `InvalidResponseError` that says what there is instead."""
    problem = ""
    try:
        return loads(body)
    except Exception as error:  # noqa: BLE001  # the caller's own json_loads raises what it likes; all of it means this
        problem = str(error) or type(error).__name__
    if not body.strip():
        said = "the answer is empty where JSON was promised"
    elif _is_html(body):
        said = f"the answer is an HTML page where JSON was promised: {_html_text(body, redact)}"
    else:
        said = f"the answer is not the JSON that was promised: {redact(problem)}"
    raise InvalidResponseError(said, status=status, body=body[:ERROR_BODY_LIMIT])


def decode_text(body: bytes, status: int) -> str:
    """The text in a success's body, without a byte order mark."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"the answer is not UTF-8 from byte {error.start} on"
    raise InvalidResponseError(problem, status=status, body=body[:ERROR_BODY_LIMIT])


def is_something_else(headers: Mapping[str, str]) -> bool:
    """Whether an answer to who asked for CSV says of itself that it is something else, such as JSON or a web page.

    What it begins with says nothing: a CSV may begin with `{` or `<`. Nor do `application/octet-stream`, `text/plain`
    and no type at all, which servers say of CSV, too.
    """
    kind = _media_type(headers)
    main, _, sub = kind.partition("/")
    return main in ("audio", "image", "multipart", "video") or not _OTHER_THAN_CSV.isdisjoint(re.split(r"[+.-]", sub))


def not_csv(status: int, headers: Mapping[str, str], body: bytes, redact: Redaction) -> InvalidResponseError:
    """The error for such an answer, with what its body (or the start of it) says."""
    message, errors = _read_error(body, redact)
    said = message or "; ".join(errors)
    text = f"the answer is {_short(_media_type(headers), redact)} where CSV was promised"
    return InvalidResponseError(f"{text}: {said}" if said else text, status=status, body=body[:ERROR_BODY_LIMIT])


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def reported_failure(value: Any, redact: Redaction) -> str | None:
    """What a success's body says about its failure (`success: 0`, `succeeded: false`), or None if it reports none."""
    if not isinstance(value, dict):
        return None
    answer = cast("dict[str, Any]", value)
    for key in ("success", "succeeded"):
        if key in answer and answer[key] in _FAILED:
            message, errors = _said(answer, redact)
            return message or "; ".join(errors) or f"{key} is {answer[key]!r}"
    return None


def status_error(status: int, headers: Mapping[str, str], body: bytes, redact: Redaction) -> APIStatusError:
    """The error for an answer that is no success, with what its body says in any of the forms the server uses.

    What it says is parsed first and redacted then: a token may be a part of the words that JSON is made of.
    """
    message, errors = _read_error(body, redact)
    if 300 <= status < 400:
        message = (
            "redirected, which is never followed because the token would go along; "
            "the account name or URL is probably wrong: copy it from Settings > Developer"
        )
    else:
        # "Invalid request data" is no help without the reasons.
        reasons = "; ".join(error for error in errors if error not in message)
        message = _short(f"{message}: {reasons}" if message and reasons else message or reasons, redact)
    text = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    # The platform says these words with 404, and at times with 403, where it's no matter of permissions at all.
    gone = status == 403 and "no result found" in message.lower()
    return (NotFoundError if gone else status_error_class(status))(
        text,
        status=status,
        errors=errors,
        headers={name: redact(value) for name, value in headers.items()},
        body=redact(body)[:ERROR_BODY_LIMIT],
        retry_after=retry_after(headers),
    )


def _read_error(body: bytes, redact: Redaction) -> tuple[str, tuple[str, ...]]:
    text = body.decode("utf-8-sig", "replace").strip()
    if not text:
        return "", ()
    if _is_html(body):
        return _html_text(body, redact), ()
    try:
        # Two documents in a row happen: the first one is what the server meant to say.
        value, _ = _strict.raw_decode(text)
    except (ValueError, RecursionError):
        return _short(text, redact), ()
    if isinstance(value, dict):
        return _said(cast("dict[str, Any]", value), redact)
    return "", tuple(_texts(value, redact))


def _said(answer: dict[str, Any], redact: Redaction) -> tuple[str, tuple[str, ...]]:
    """The message and the errors of an answer with `message`, `errors`, `error` or `failureReasons`."""
    errors = tuple(text for key in ("errors", "error", "failureReasons") for text in _texts(answer.get(key), redact))
    message = answer.get("message")
    if isinstance(message, str) and message.strip():
        return _short(message, redact), errors
    return "", errors


def _texts(value: Any, redact: Redaction, depth: int = 5) -> Iterator[str]:
    """The texts in an error of any shape: a str, a list, an object with title and detail, or by field name."""
    if isinstance(value, str):
        if value.strip():
            yield _short(value, redact)
    elif isinstance(value, list) and depth:
        for item in cast("Iterable[Any]", value):
            yield from _texts(item, redact, depth - 1)
    elif isinstance(value, dict) and depth:
        item = cast("dict[str, Any]", value)
        parts = [item[key] for key in ("title", "detail", "message") if isinstance(item.get(key), str) and item[key]]
        if parts:
            yield _short(": ".join(dict.fromkeys(parts)), redact)
        elif "code" in item or "status" in item:
            yield _short(f"code {item.get('code', item.get('status'))}", redact)
        else:
            for name, inner in item.items():
                for text in _texts(inner, redact, depth - 1):
                    yield _short(f"{name}: {text}", redact)


def _is_html(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _html_text(body: bytes, redact: Redaction) -> str:
    text = body.decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", text)
    return _short(text, redact) or "an HTML page"


def _short(text: str, redact: Redaction) -> str:
    # Before it is cut: half a token is too much of it.
    text = " ".join(redact(text).split())
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "..."
