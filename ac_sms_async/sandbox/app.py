"""The ASGI application: finds account and operation of a request, checks token and rate, answers, and notes it all."""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import formatdate

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from ac_sms_async.sandbox import problem
from ac_sms_async.sandbox.account import Account
from ac_sms_async.sandbox.control import ELSEWHERE, control, elsewhere
from ac_sms_async.sandbox.csv_stream import csv_pieces
from ac_sms_async.sandbox.faults import Fault
from ac_sms_async.sandbox.faults.kind import Exchange
from ac_sms_async.sandbox.guard import refusal
from ac_sms_async.sandbox.journal import JournalEntry
from ac_sms_async.sandbox.limiter import retry_after
from ac_sms_async.sandbox.operations import Answer, Call
from ac_sms_async.sandbox.page import page
from ac_sms_async.sandbox.problem import Problem
from ac_sms_async.sandbox.reply import Reply, json_reply
from ac_sms_async.sandbox.routes import Operation, find_operation
from ac_sms_async.sandbox.state import State
from ac_sms_async.sandbox.wire import TRANSPORT, Wire

_NOTED_BODY = 65_536
#: No body may be longer, in bytes: a million ids fit.
_LARGEST_BODY = 8 * 1024 * 1024


class App:
    """
    The sandbox as an ASGI application; `state` is what it reads and changes.

    `open_to_others` says that it listens to other machines: then the page and /_sandbox need a token.
    """

    def __init__(self, state: State, *, open_to_others: bool = False) -> None:
        self.state = state
        self.open_to_others = open_to_others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is spoken here, not {scope['type']}")
        # Whoever leaves while a body is on its way gets no answer.
        with suppress(ClientDisconnect):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = Wire(scope, receive, send)
        request = Request(scope, receive)
        path: str = scope["path"]
        query = scope["query_string"].decode("latin-1")
        account, rest = self._account(path)
        if rest is None and path != ELSEWHERE:
            await wire.answer(await self._own(request, path, query))
            return
        entry = JournalEntry(self.state.clock.elapsed(), scope["method"], path, query)
        if rest is None or account is None:
            entry.authorized = self._knows(request)
            reply = elsewhere() if path == ELSEWHERE else Reply(302, {"Location": ELSEWHERE})
            entry.status = reply.status
            self.state.journal.note(entry)
            await wire.answer(reply)
            return
        entry.account = account.name
        self.state.journal.note(entry)
        body = await _read(request)
        if body is None:
            entry.status = 413
            await wire.answer(_finished(_too_long(), account))
            return
        self.state.journal.keep_body(entry, body[:_NOTED_BODY].decode("utf-8", "replace"))
        await self._serve(account, rest, request, body, entry, wire)

    async def _own(self, request: Request, path: str, query: str) -> Reply:
        """What is not the API: the page, and the paths to control the sandbox."""
        # Who calls it as an application is this very program.
        if TRANSPORT in request.scope:
            refused = refusal(request, self.state.tokens.values(), open_to_others=self.open_to_others)
            if refused is not None:
                return refused
        if path == "/" and request.method == "GET":
            return page(self.state, query, request.headers.get("host", "localhost"))
        body = await _read(request)
        return _too_long() if body is None else control(self.state, request.method, path, query, body)

    def _knows(self, request: Request) -> bool | None:
        token = request.headers.get("api-token")
        return None if token is None else token in self.state.tokens.values()

    def _account(self, path: str) -> tuple[Account | None, str | None]:
        """The account of a path and what follows /api/3, which is None where the path is not the API's."""
        if path.startswith("/api/3/"):
            return self.state.first, path[6:]
        name, _, rest = path[1:].partition("/")
        if rest.startswith("api/3/"):
            return self.state.accounts.get(name), rest[5:]
        return None, None

    async def _serve(
        self, account: Account, path: str, request: Request, body: bytes, entry: JournalEntry, wire: Wire
    ) -> None:
        operation, path_id, allowed = find_operation(request.method, path)
        entry.operation = operation.id if operation else None
        refusal = self._admit(account, request, entry)
        if refusal is not None:
            entry.status = refusal.status
            await wire.answer(_finished(_refused(refusal), account))
            return
        call = None
        if operation is not None:
            call = Call(
                account=account,
                views=self.state.views,
                path_id=path_id,
                query=entry.query,
                content_type=request.headers.get("content-type", ""),
                body=body,
                now=self.state.clock.now(),
            )
        account.settle()
        exchange = Exchange(account, entry.operation, call)
        faults = self.state.faults.take(entry.operation, account.name)
        entry.faults = tuple(fault.name for fault in faults)
        try:
            reply = await _carry_out(operation, exchange, path, allowed, faults)
        except Problem as problem_met:
            reply = _refused(problem_met)
        for fault in faults:
            reply = await fault.kind.answer(reply, exchange)
        _finished(reply, account)
        entry.status = None if any(fault.kind.silent for fault in faults) else reply.status
        for fault in faults:
            if await fault.kind.deliver(reply, wire):
                return
        await wire.answer(reply)

    def _admit(self, account: Account, request: Request, entry: JournalEntry) -> Problem | None:
        token = request.headers.get("api-token")
        if token is not None:
            entry.authorized = token == account.token
        if not entry.authorized:
            return problem.forbidden(self.state.guesses.refused)
        wait = account.limiter.admit(entry.at)
        return None if wait is None else problem.too_many(retry_after(wait))


async def _read(request: Request) -> bytes | None:
    """The body; None where it is too long, of which no more is read."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_BODY:
            return None
    return bytes(body)


async def _carry_out(
    operation: Operation | None, exchange: Exchange, path: str, allowed: list[str], faults: list[Fault]
) -> Reply:
    for fault in faults:
        await fault.kind.before(exchange)
    if any(fault.instead for fault in faults):
        return Reply(200)
    if operation is None or exchange.call is None:
        raise problem.not_allowed(allowed) if allowed else problem.no_route(path)
    answer: Answer = operation.handle(exchange.call)
    if answer.json is None:
        pieces = csv_pieces(answer.csv_header, answer.csv_rows)
        return Reply(answer.status, {"Content-Type": "text/csv; charset=utf-8"}, pieces)
    for fault in faults:
        answer.json = fault.kind.payload(answer.json, exchange)
    return json_reply(answer.status, answer.json)


def _too_long() -> Reply:
    return json_reply(413, {"message": f"No body may be longer than {_LARGEST_BODY:,} bytes."}, {"Connection": "close"})


def _refused(refusal: Problem) -> Reply:
    return json_reply(refusal.status, refusal.body, refusal.headers)


def _finished(reply: Reply, account: Account) -> Reply:
    """With the headers that every answer has."""
    reply.headers = {
        "Date": formatdate(time.time(), usegmt=True),
        **account.limiter.headers(),
        **reply.headers,
    }
    return reply
