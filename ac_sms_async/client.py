"""`SMSClient`: wires the parts together, and holds no logic of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, Unpack

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.lowlevel.types import UNSET, Response
from ac_sms_async.resources.ai import AIResource
from ac_sms_async.resources.broadcasts import BroadcastsResource
from ac_sms_async.resources.credits import CreditsResource
from ac_sms_async.resources.exports import ExportsResource
from ac_sms_async.resources.lists import ListsResource
from ac_sms_async.resources.metrics import MetricsResource
from ac_sms_async.resources.recipients import RecipientsResource
from ac_sms_async.transport import Answer, ParamValue, Transport
from ac_sms_async.transport.address import is_host_of
from ac_sms_async.transport.client_options import ClientOptions, ViewOptions

__all__ = ["SMSClient"]

URL_VARIABLE = "ACTIVECAMPAIGN_URL"
INSECURE_HOST_VARIABLE = "ACTIVECAMPAIGN_INSECURE_HOST"
BUDGET_VARIABLE = "AC_SMS_BUDGET"
TOKEN_VARIABLE = "ACTIVECAMPAIGN_API_TOKEN"  # noqa: S105 - the variable's name, not its value


def is_trusted(url: str) -> bool:
    """Whether the environment names this URL's host as one that may get the token unencrypted."""
    return is_host_of(os.environ.get(INSECURE_HOST_VARIABLE, ""), url)


def budget_of_environment() -> ClientOptions:
    """The option that AC_SMS_BUDGET stands for, where it is set."""
    named = os.environ.get(BUDGET_VARIABLE, "").strip()
    return {"budget": named} if named else {}


class SMSClient:
    """A client of one ActiveCampaign account's SMS Broadcast API, for one event loop (asyncio or trio).

    Use it as `async with SMSClient(url, api_token) as sms:`, or call `aclose()`. Making one opens
    nothing. The first in a process imports the HTTP library (some 60 ms), so make it at start-up, not within a request.
    All methods may be called from any number of tasks.
    """

    def __init__(self, base_url: str, api_token: str, **options: Unpack[ClientOptions]) -> None:
        """Nothing is opened or sent yet.

        Args:
            base_url: As shown under Settings > Developer, such as "https://acme.api-us1.com"; "/api/3" may follow.
            api_token: The key shown there. It goes to that origin only, and into no log, error or repr.
            **options: By name, see below.

        Keyword Args:
            timeout (float | Timeout): Seconds that an attempt may wait at each of its steps (5 at most to connect), or
                a `Timeout`. 30 by default.
            deadline (float): Seconds that a call may take in all: queueing, pacing, attempts, backoff and decoding. 300
                by default.
            retry (RetryPolicy): How often, and after how long, a failed request is tried again.
            rate_limit (RateLimit | None): Requests per second, shared by all clients of the account: 5 by default; None
                for no pacing.
            budget (str | None): Who shares that: "machine" for all processes of this user which see one folder
                (AC_SMS_BUDGET_DIR, or one in /dev/shm; Linux); "postgresql://user@host/database" or "redis://host"
                for all that name it, on any machine (the [postgres] or [redis] extra); "loop" for clients in this event
                loop. By default "machine", but "loop" where answers may be made up: for loopback URLs, with an
                `http_client`, on virtual clocks, within pytest; and elsewhere than on Linux, or without a `rate_limit`.
            max_concurrency (int): Requests of this client under way at once; 10 by default.
            account (str | None): The name of the account whose budget this client shares; by default its URL.
            timezone (str | tzinfo): What times without an offset mean; "America/Chicago" by default.
            backend ("httpx" | "httptools"): "httpx" by default, or the faster "httptools" (asyncio, direct connections
                only; the [speedups] extra).
            proxy (str | None): URL of a proxy; by default the environment says, unless `trust_env` is False.
            ssl_context (ssl.SSLContext | None): Your own; by default one for the whole process, with certifi's
                authorities.
            trust_env (bool): Whether the environment may name a proxy and certificates; True by default.
            http_client (httpx.AsyncClient | httpx2.AsyncClient | None): Your own client, which you close; excludes the
                four network options.
            json_loads (Callable[[bytes], Any] | None): Decoder of answers; by default orjson's where installed,
                otherwise the standard library's.
            allow_insecure_http (bool): Let the token travel unencrypted to another machine.
            on_event (Callable[[Event], object] | None): Called with a typed event for each attempt, retry, pause and
                call.
            before_start (Callable[[], object] | None): Called when a request is about to start, each retry included.
                What it raises ends the call, and nothing is sent: for a lease that has run out, or a switch that stops
                everything.
            priority ("interactive" | "bulk"): "interactive" (the default) where somebody waits for the answers, whose
                calls go first; "bulk" where a job has time, which gets one request of five and all that nobody else
                wants.

        Raises `ConfigurationError` for what can't work.
        """
        self._init(Transport(base_url, api_token, **options))

    def _init(self, transport: Transport) -> None:
        self.transport = transport
        """What sends requests: hand it to the functions of `ac_sms_async.lowlevel` as their `client`."""
        self.credits: CreditsResource = CreditsResource(transport)
        """What the account may still send."""
        self.broadcasts: BroadcastsResource = BroadcastsResource(transport)
        """The messages: list, create, update, send, wait for, delete."""
        self.lists: ListsResource = ListsResource(transport)
        """The lists that a broadcast can be sent to."""
        self.ai: AIResource = AIResource(transport)
        """Broadcasts written by the AI."""
        self.metrics: MetricsResource = MetricsResource(transport)
        """What came of broadcasts, in numbers."""
        self.recipients: RecipientsResource = RecipientsResource(transport)
        """Whom a broadcast was sent to."""
        self.exports: ExportsResource = ExportsResource(transport)
        """CSV exports, streamed."""

    @classmethod
    def from_env(cls, **options: Unpack[ClientOptions]) -> Self:
        """A client with the URL from ACTIVECAMPAIGN_URL and the token from ACTIVECAMPAIGN_API_TOKEN.

        ACTIVECAMPAIGN_INSECURE_HOST names a host, such as `sandbox:8080`, to which the token may travel unencrypted;
        AC_SMS_BUDGET says who shares the budget, as the option `budget` does. `options` are those of the class. Raises
        `ConfigurationError` when a variable is missing.
        """
        missing = [name for name in (URL_VARIABLE, TOKEN_VARIABLE) if not os.environ.get(name, "").strip()]
        if missing:
            raise ConfigurationError(
                f"set {' and '.join(missing)} in the environment (Settings > Developer shows both)"
            )
        url = os.environ[URL_VARIABLE].strip()
        given: ClientOptions = {"allow_insecure_http": is_trusted(url), **budget_of_environment(), **options}
        return cls(url, os.environ[TOKEN_VARIABLE].strip(), **given)

    def with_options(self, **options: Unpack[ViewOptions]) -> Self:
        """A view with other options over the same connections and the same budget; closing it does nothing.

        It takes `timeout`, `deadline`, `retry`, `timezone` and `priority`, as the class does, and `headers`, which are
        sent beside the client's own, and those of the view it is made of. Raises `ConfigurationError` for a header that
        is the client's own: the token's, Host, and what frames or encodes a body.
        """
        view = type(self).__new__(type(self))
        view._init(self.transport.with_options(**options))
        return view

    def capture(self) -> AbstractContextManager[list[Answer]]:
        """What the server answers, as it came: `with sms.capture() as answers:` fills a list of `Answer`.

        It holds an answer for each request that this client, or a view of it, makes in the block, in this task or those
        started in it: its status, headers and raw body. The token, should a server send it back, is not in it.
        """
        return self.transport.capture()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, ParamValue | Sequence[ParamValue]] | None = None,
        json: Any = UNSET,
        retry_safe: bool | None = None,
    ) -> Response[Any]:
        """Call an endpoint that the API's document doesn't have yet, with the same auth, pacing, retries and errors.

        `path` is what follows "/api/3", such as "/sms/lists"; `.parsed` of the answer is its JSON, or None.
        `retry_safe` is your word that sending it twice does no harm (by default so for GET and HEAD). Sending a
        broadcast is refused here: that is `broadcasts.send`. Raises `SMSError`.
        """
        return await self.transport.request(method, path, params=params, json=json, retry_safe=retry_safe)

    async def aclose(self) -> None:
        """Close the connections. May be called twice; calls after it raise `ConfigurationError`."""
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.transport!r}>"
