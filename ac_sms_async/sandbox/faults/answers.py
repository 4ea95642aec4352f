"""Faults that put another answer in the place of the right one."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any, ClassVar

from attrs import field, frozen, validators

from ac_sms_async.sandbox.faults.kind import Exchange, Kind
from ac_sms_async.sandbox.reply import Reply, json_reply

_HTML = "<html><body><h1>We are currently having some issues. Please check back soon.</h1></body></html>"
_LEAK = (
    "Client error: `GET http://sms-service.internal/v1/broadcasts` resulted in a `403 Forbidden` response:\n"
    '{"error":"forbidden"}\n\n#0 /var/www/vendor/guzzlehttp/guzzle/src/Exception/RequestException.php(113)'
)
_MESSAGE = {"message": "The sandbox was told to fail."}


def _json(value: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()


#: Bodies of errors that the platform is known to send, as (content type, bytes).
ERROR_BODIES: dict[str, tuple[str, bytes]] = {
    "message": _json(_MESSAGE),
    "errors": _json({"errors": [{"title": "It failed.", "detail": "", "code": "failed", "source": {"pointer": "/x"}}]}),
    "detail": _json({"errors": [{"detail": "It failed.", "code": 17}]}),
    "strings": _json({"errors": ["It failed.", "Twice."]}),
    "string": _json({"errors": "It failed."}),
    "reasons": _json({"success": 0, "message": "It failed.", "failureReasons": [{"failureReason": "told to"}]}),
    "error": _json({"message": "It failed.", "error": "Duplicate entry '7' for key 'PRIMARY'"}),
    "leak": ("text/html; charset=UTF-8", _LEAK.encode()),
    "html": ("text/html; charset=UTF-8", _HTML.encode()),
    "text": ("text/plain", json.dumps(_MESSAGE).encode()),
    "two": ("application/json", json.dumps(_MESSAGE).encode() * 2),
    "malformed": ("application/json", b'{"message": "It fai'),
    "list": _json([]),
    "object": _json({}),
    "empty": ("application/json", b""),
}


def retry_after_header(form: str) -> dict[str, str]:
    """ "2", "date+5" (and "rfc850+5", "asctime+5": the older date forms), "none", or anything else literally."""
    if form == "none":
        return {}
    style, plus, seconds = form.partition("+")
    if plus and style in ("date", "rfc850", "asctime"):
        moment = time.time() + float(seconds)
        parts = time.gmtime(moment)
        written = {
            "date": formatdate(moment, usegmt=True),
            "rfc850": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", parts),
            "asctime": time.asctime(parts),
        }
        return {"Retry-After": written[style]}
    return {"Retry-After": form}


@frozen
class Status(Kind):
    """
    An error status (the kind is the number: "429", "503"), with one of the bodies that the platform is known to send.

    `retry_after`: "2", "1.5", "date+5", "rfc850+5", "asctime+5", "none", or any other text literally.
    """

    name: ClassVar[str] = "status"
    status: int = field(validator=validators.and_(validators.ge(400), validators.le(599)))
    body: str = field(default="message", validator=validators.in_(ERROR_BODIES))
    retry_after: str = ""

    @property
    def instead(self) -> bool:
        return True

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        content_type, body = ERROR_BODIES[self.body]
        wait = self.retry_after or ("1" if self.status == 429 else "none")
        return Reply(self.status, {"Content-Type": content_type, **retry_after_header(wait)}, body)


@frozen
class Html(Kind):
    """A success whose body is an HTML page."""

    name: ClassVar[str] = "html"

    @property
    def instead(self) -> bool:
        return True

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        return Reply(200, {"Content-Type": "text/html; charset=UTF-8"}, _HTML.encode())


@frozen
class Empty(Kind):
    """A success without a body."""

    name: ClassVar[str] = "empty"

    @property
    def instead(self) -> bool:
        return True

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        return Reply(200, {"Content-Type": "application/json"})


@frozen
class Failure(Kind):
    """A 200 that reports failure inside: `{"success": 0, ...}`; `value` is 0, false or "0"."""

    name: ClassVar[str] = "failure"
    value: str = field(default="0", validator=validators.in_(("0", "false", "text")))

    @property
    def instead(self) -> bool:
        return True

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        success: object = {"0": 0, "false": False, "text": "0"}[self.value]
        return json_reply(200, {"success": success, **_MESSAGE})


@frozen
class Redirect(Kind):
    """A redirect to somewhere else; following it would give the token away."""

    name: ClassVar[str] = "redirect"
    status: int = field(default=302, validator=validators.in_((301, 302, 303, 307, 308)))
    to: str = "/_sandbox/elsewhere"

    @property
    def instead(self) -> bool:
        return True

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        return Reply(self.status, {"Location": self.to})


@frozen
class Text(Kind):
    """The right body, labelled text/plain."""

    name: ClassVar[str] = "text"

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        return Reply(reply.status, {**reply.headers, "Content-Type": "text/plain"}, reply.body)


@frozen
class Two(Kind):
    """The right body, and a second JSON document straight after it."""

    name: ClassVar[str] = "two"

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        return Reply(reply.status, reply.headers, await reply.whole() + b'{"success":0}')


@frozen
class Malformed(Kind):
    """The right body cut in half, with a Content-Length that fits: nothing but a parser can tell."""

    name: ClassVar[str] = "malformed"

    async def answer(self, reply: Reply, exchange: Exchange) -> Reply:
        body = await reply.whole()
        return Reply(reply.status, reply.headers, body[: len(body) // 2])


ANSWERS: tuple[type[Kind], ...] = (Html, Empty, Failure, Redirect, Text, Two, Malformed)
