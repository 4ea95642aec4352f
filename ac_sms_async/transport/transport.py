"""The way of a request: deadline, slot, pacing, backend, decoding; and what a client and its views are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from datetime import tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack

from ac_sms_async.budget.scope import parse_scope
from ac_sms_async.deadline import Deadline
from ac_sms_async.errors import ConfigurationError, InvalidResponseError, SMSError
from ac_sms_async.lowlevel.types import UNSET, DecodeError, Request, Response
from ac_sms_async.options import (
    RateLimit,
    RetryPolicy,
    Timeout,
    plain_function,
    positive_seconds,
    value_of,
    whole_number,
)
from ac_sms_async.transport.address import (
    API_PATH,
    Address,
    check_headers,
    check_path,
    check_query,
    check_token,
    without,
)
from ac_sms_async.transport.backends import Exchange, WireRequest
from ac_sms_async.transport.bodies import (
    ERROR_BODY_LIMIT,
    JSONLoads,
    decode_json,
    decode_text,
    default_loads,
    encode_json,
    is_something_else,
    not_csv,
    reported_failure,
)
from ac_sms_async.transport.call import Call
from ac_sms_async.transport.capture import Capture
from ac_sms_async.transport.client_options import CallOptions, ViewOptions
from ac_sms_async.transport.core import Core
from ac_sms_async.transport.events import EventHandler
from ac_sms_async.transport.params import ParamValue, encode_params
from ac_sms_async.transport.sending import refuse_send
from ac_sms_async.transport.stream import StreamedResponse, StreamOpening

if TYPE_CHECKING:
    import ssl

    import httpx
    import httpx2

__all__ = ["ParamValue", "Transport"]

T = TypeVar("T")

_DEFAULT_RETRY = RetryPolicy()
_DEFAULT_RATE_LIMIT = RateLimit()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_ACCEPTED = frozenset({"application/json", "text/csv"})


class Transport:
    """Sends requests to one account: paced, retried, within a deadline, and with errors of this library only.

    The options are those of `SMSClient`. Nothing is opened before the first call, which binds the transport to the
    event loop it runs in.
    """

    def __init__(
        self,
        base_url: str,
        api_token: str,
        *,
        timeout: float | Timeout = 30.0,
        deadline: float = 300.0,
        retry: RetryPolicy = _DEFAULT_RETRY,
        rate_limit: RateLimit | None = _DEFAULT_RATE_LIMIT,
        budget: str | None = None,
        max_concurrency: int = 10,
        account: str | None = None,
        timezone: str | tzinfo = "America/Chicago",
        backend: Literal["httpx", "httptools"] = "httpx",
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        http_client: httpx.AsyncClient | httpx2.AsyncClient | None = None,
        json_loads: JSONLoads | None = None,
        allow_insecure_http: bool = False,
        on_event: EventHandler | None = None,
        before_start: Callable[[], object] | None = None,
        priority: Literal["interactive", "bulk"] = "interactive",
    ) -> None:
        self._address = address = Address.parse(base_url, allow_insecure_http=allow_insecure_http)
        token = check_token(api_token)
        # With the first client, not with the package: it brings the HTTP library, which takes as long as all the rest
        # together. After this nothing of ours is left to import in the middle of a call.
        from ac_sms_async.transport.backends.choice import choose_backend

        make_backend = choose_backend(
            address,
            token,
            backend=backend,
            proxy=proxy,
            ssl_context=ssl_context,
            trust_env=trust_env,
            http_client=http_client,
        )
        self._options: CallOptions = CallOptions(timeout, deadline, retry, timezone, priority)
        self._is_view = False
        if rate_limit is not None:
            value_of(RateLimit, "rate_limit", rate_limit)
        for name, function in (("json_loads", json_loads), ("on_event", on_event), ("before_start", before_start)):
            plain_function(name, function)
        self._core = Core(
            account=address.account if account is None else _account_key(account),
            base_url=address.account,
            token=token,
            make_backend=make_backend,
            rate_limit=rate_limit,
            budget=None if budget is None else parse_scope(budget, rate_limit),
            # Of a client of the caller's nobody knows whether it talks to the account, or makes answers up.
            may_be_shared=http_client is None and not address.is_loopback,
            max_concurrency=whole_number("max_concurrency", max_concurrency),
            loads=json_loads or default_loads,
            on_event=on_event,
            before_start=before_start,
        )

    @property
    def account(self) -> str:
        """What names the account: what `account=` said, or its URL."""
        return self._core.account_key

    @property
    def base_url(self) -> str:
        """The account's URL, made regular, without `/api/3`."""
        return self._address.account

    @property
    def budget(self) -> str:
        """Who shares the account's budget: "loop", "machine", or a database's address, without user and password."""
        return str(self._core.scope)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._address.account} budget={self.budget}>"

    @property
    def timezone(self) -> tzinfo:
        """What the server's naive times mean."""
        return self._options.timezone

    def with_options(self, **options: Unpack[ViewOptions]) -> Self:
        """The same connections and the same budget with other options; what is None stays. Closing it does nothing."""
        view = copy(self)
        view._is_view = True
        view._options = self._options.with_options(**options)
        return view

    def capture(self) -> Capture:
        """A block that gathers what the server answers: `with transport.capture() as answers:`."""
        return Capture(self._core)

    async def send(self, request: Request[T], /) -> Response[T]:
        """Send a request and decode its answer. Raises the errors of `ac_sms_async.errors`, and no others."""
        call = self._call(request)
        ended: BaseException | None = None
        try:
            with Deadline(call.deadline):
                exchange, body = await call.run()
                parsed = self._decode(request, exchange, body)
                return Response(status=exchange.status, headers=exchange.headers, parsed=parsed)
            raise call.out_of_time()
        except SMSError as error:
            call.failed(error)
            ended = error
            raise
        except BaseException as error:
            ended = error
            raise
        finally:
            call.finished(ended)

    def stream(
        self, request: Request[Any], *, total_timeout: float | None = None
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send a request whose answer's body is read in pieces: `async with transport.stream(request) as response`.

        The deadline runs until the answer begins, then the read timeout holds for each piece, and `total_timeout`
        (seconds) for all of them. A slot is held until the body's end or that of the block.
        """
        if total_timeout is not None:
            total_timeout = positive_seconds("total_timeout", total_timeout)
        return StreamOpening(lambda: self._open_stream(request, total_timeout))

    async def _open_stream(self, request: Request[Any], total_timeout: float | None) -> StreamedResponse:
        call = self._call(request)
        ended: BaseException | None = None
        try:
            with Deadline(call.deadline):
                exchange, _ = await call.run(streamed=True)
                return StreamedResponse(
                    self._core,
                    exchange,
                    call.about_request,
                    call.attempts,
                    total_timeout,
                    csv=request.accept == "text/csv",
                )
            raise call.out_of_time()
        except SMSError as error:
            call.failed(error)
            ended = error
            raise
        except BaseException as error:
            ended = error
            raise
        finally:
            call.finished(ended)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, ParamValue | Sequence[ParamValue]] | None = None,
        json: Any = UNSET,
        retry_safe: bool | None = None,
    ) -> Response[Any]:
        """Send a request that the API's document doesn't have (yet); `.parsed` is the answer's JSON or None.

        `path` is what follows `/api/3`, as in `/contacts`. `retry_safe` is the caller's word that sending it twice
        does no harm; without it that is so for GET and HEAD. What could send a broadcast is refused.
        """
        method = _method(method)
        path = check_path(path)
        refuse_send(method, params, json)
        return await self.send(
            Request(
                operation_id="",
                method=method,
                path=path.removeprefix(API_PATH) if path.startswith(f"{API_PATH}/") else path,
                query=encode_params(params),
                json=json,
                retry_safe=method in ("GET", "HEAD") if retry_safe is None else retry_safe,
                decode=_as_it_is,
            )
        )

    async def aclose(self) -> None:
        """Close all connections. Can be called twice; later calls are refused. On a view it does nothing."""
        if not self._is_view:
            await self._core.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _call(self, request: Request[Any]) -> Call:
        target = f"{self._address.prefix}{API_PATH}{check_path(request.path)}"
        if request.query:
            target = f"{target}?{check_query(request.query)}"
        if request.method not in _METHODS or request.accept not in _ACCEPTED:
            raise ConfigurationError("a request needs a method such as GET, and accepts application/json or text/csv")
        options = self._options
        headers = options.headers
        if request.headers:
            headers = without(headers, request.headers) + check_headers(request.headers)
        body = None if request.json is UNSET else encode_json(request.json)
        wire = WireRequest(request.method, target, request.accept, body, options.timeout, request.retry_safe, headers)
        self._core.enter()
        return Call(self._core, request, wire, options.retry, options.deadline, options.priority)

    def _decode(self, request: Request[T], exchange: Exchange, body: bytes) -> T:
        status = exchange.status
        problem: InvalidResponseError
        try:
            if request.accept == "text/csv":
                if is_something_else(exchange.headers):
                    raise not_csv(status, exchange.headers, body, self._core.redact)
                return request.decode(decode_text(body, status), self._options.timezone)
            if not body and (status in (204, 205) or request.method in ("DELETE", "HEAD") or not request.operation_id):
                return request.decode(None, self._options.timezone)
            value = decode_json(self._core.loads, body, status, self._core.redact)
            failure = reported_failure(value, self._core.redact)
            if failure is None:
                return request.decode(value, self._options.timezone)
            problem = InvalidResponseError(f"the answer is a success that reports a failure: {failure}", status=status)
        except InvalidResponseError as error:
            problem = error
        except DecodeError as error:
            problem = InvalidResponseError(
                f"the answer is not what the API's document promises: {error}", path=error.path, status=status
            )
        problem.body = self._core.redact(body)[:ERROR_BODY_LIMIT]
        # What the message quotes of the answer may repeat the token, too.
        problem.args = (self._core.redact(problem.message),)
        raise problem


def _account_key(account: Any) -> str:
    if not isinstance(account, str) or not account:
        raise ConfigurationError("account must be a non-empty str: clients with the same one share its budget")
    return account


def _method(method: Any) -> str:
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise ConfigurationError(f"method must be one of {', '.join(sorted(_METHODS))}")
    return method.upper()


def _as_it_is(value: Any, _zone: tzinfo) -> Any:
    return value
