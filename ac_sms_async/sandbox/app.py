"""The ASGI application: finds account and operation of a request, checks token and rate, answers, and notes it all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from attrs import define, field
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from ac_sms_async.sandbox import problem
from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.csv_stream import csv_pieces
from ac_sms_async.sandbox.journal import JournalEntry
from ac_sms_async.sandbox.limiter import retry_after
from ac_sms_async.sandbox.operations import OPERATIONS, Answer, Call, Operation
from ac_sms_async.sandbox.problem import Problem
from ac_sms_async.sandbox.state import State

_NOTED_BODY = 65_536


@define
class Reply:
    """An answer as it goes out; a body in pieces has no Content-Length."""

    status: int
    headers: dict[str, str] = field(factory=dict[str, str])
    body: bytes | AsyncIterator[bytes] = b""


def json_reply(status: int, value: Any, headers: dict[str, str] | None = None) -> Reply:
    # ASCII with escapes, as PHP writes it; it also carries lone surrogates that UTF-8 can't.
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body)


def reply_to(answer: Answer) -> Reply:
    if answer.json is not None:
        return json_reply(answer.status, answer.json)
    return Reply(200, {"Content-Type": "text/csv; charset=utf-8"}, csv_pieces(answer.csv_header, answer.csv_rows))


async def send_reply(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    if isinstance(reply.body, bytes):
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async for piece in reply.body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class App:
    """The sandbox as an ASGI application; `state` is what it reads and changes."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is spoken here, not {scope['type']}")
        request = Request(scope, receive)
        path: str = scope["path"]
        entry = JournalEntry(self.state.clock.elapsed(), request.method, path, scope["query_string"].decode("latin-1"))
        account, rest = self._account(path)
        if rest is None:
            await send_reply(json_reply(404, {"message": f'No route found for "{path}"'}), send)
            return
        if account is None:
            # What the real host does for an account that there is not. Whoever follows it gives away a token.
            entry.status = 302
            self.state.journal.note(entry)
            await send_reply(Reply(302, {"Location": "/_sandbox/elsewhere"}), send)
            return
        entry.account = account.name
        self.state.journal.note(entry)
        body = await request.body()
        entry.body = body[:_NOTED_BODY].decode("utf-8", "replace")
        reply = self._answer(account, rest, request, body, entry)
        reply.headers.update(account.limiter.headers())
        entry.status = reply.status
        await send_reply(reply, send)

    def _account(self, path: str) -> tuple[Account | None, str | None]:
        """The account of a path and what follows /api/3, which is None where the path is not the API's."""
        if path.startswith("/api/3/"):
            return self.state.first, path[6:]
        name, _, rest = path[1:].partition("/")
        if rest.startswith("api/3/"):
            return self.state.accounts.get(name), rest[5:]
        return None, None

    def _answer(self, account: Account, path: str, request: Request, body: bytes, entry: JournalEntry) -> Reply:
        try:
            operation, path_id = _find(request.method, path, entry)
            self._admit(account, request, entry)
            if operation is None:
                raise problem.no_route(path)
            call = Call(
                account=account,
                views=self.state.views,
                path_id=path_id,
                query=entry.query,
                content_type=request.headers.get("content-type", ""),
                body=body,
                now=self.state.clock.now(),
            )
            return reply_to(operation.handle(call))
        except Problem as refusal:
            return json_reply(refusal.status, refusal.body, refusal.headers)

    def _admit(self, account: Account, request: Request, entry: JournalEntry) -> None:
        token = request.headers.get("api-token")
        if token is not None:
            entry.token = "right" if token == account.token else "wrong"
        if entry.token != "right":  # noqa: S105 - a word about a token, not one
            raise problem.forbidden()
        wait = account.limiter.admit(entry.at)
        if wait is not None:
            raise problem.too_many(retry_after(wait))


def _find(method: str, path: str, entry: JournalEntry) -> tuple[Operation | None, str]:
    for operation in OPERATIONS:
        match = operation.path.fullmatch(path)
        if match and operation.method == method:
            entry.operation = operation.id
            return operation, match.groupdict().get("id", "")
    return None, ""
