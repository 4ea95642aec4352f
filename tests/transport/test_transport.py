"""What a client is: made without a loop, bound to one, shared by its views, closed once; and the way in by hand."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
import trio

from ac_sms_async.errors import ConfigurationError, ServerError
from ac_sms_async.options import RateLimit, RetryPolicy, Timeout
from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import TOKEN, URL, reading

Over = Callable[..., Transport]

WRONG: list[dict[str, Any]] = [
    {"base_url": "http://acme.example"},
    {"api_token": "a b"},
    {"timeout": 0},
    {"timeout": None},
    {"deadline": None},
    {"deadline": -1},
    {"retry": 3},
    {"rate_limit": 5},
    {"max_concurrency": 0},
    {"max_concurrency": 1.5},
    {"account": ""},
    {"account": 5},
    {"timezone": "Mars"},
    {"backend": "requests"},
    {"proxy": "proxy:3128"},
    {"proxy": "ftp://proxy"},
    {"proxy": "http://"},
    {"proxy": "http://proxy:port"},
    {"proxy": 5},
    {"proxy": "socks5://proxy", "backend": "httptools"},
    {"ssl_context": True},
    {"http_client": object()},
    {"json_loads": "orjson"},
    {"on_event": "print"},
]


def make(**options: Any) -> Transport:
    given: dict[str, Any] = {"base_url": URL, "api_token": TOKEN, **options}
    return Transport(**given)


@pytest.mark.parametrize("options", WRONG, ids=lambda options: next(iter(options)))
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(**options)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"proxy": "http://p"}, {"backend": "httptools"}, {"trust_env": False}, {"ssl_context": "context"}]
)
def test_an_own_client_excludes_the_network_options(options: dict[str, Any]) -> None:
    client = httpx.AsyncClient()
    if "ssl_context" in options:
        options = {"ssl_context": httpx.create_ssl_context(verify=False)}
    with pytest.raises(ConfigurationError, match="http_client excludes"):
        Transport(URL, TOKEN, http_client=client, **options)


def test_construction_needs_no_loop_and_opens_nothing() -> None:
    transport = Transport(URL, TOKEN)
    assert repr(transport) == "<Transport https://acme.api-us1.com budget=machine>"
    assert TOKEN not in repr(vars(transport))
    assert str(transport.timezone) == "America/Chicago"
    assert transport.account == transport.base_url == URL
    assert Transport(URL, TOKEN, account="acme").account == "acme"
    # Never used, so nothing is left open and nobody is warned.
    del transport
    gc.collect()


def test_a_client_cannot_be_pickled_or_copied_deeply() -> None:
    for spread in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="make one in each process"):
            spread(Transport(URL, TOKEN))


def test_an_unclosed_client_warns_if_it_was_ever_used(over: Over) -> None:
    async def use(transport: Transport) -> None:
        await transport.send(reading())

    async def use_and_close(transport: Transport) -> None:
        async with transport:
            await use(transport)

    with pytest.warns(ResourceWarning, match=r"unclosed client of https://acme.api-us1.com"):
        anyio.run(use, over(FakeBackend()))
    anyio.run(use_and_close, over(FakeBackend()))


def test_an_error_while_making_one_does_not_warn() -> None:
    # Its __del__ runs on an object whose __init__ did not.
    with pytest.raises(ConfigurationError):
        Transport("", TOKEN)
    gc.collect()


def run_on(loop: str, call: Callable[[], Any]) -> None:
    async def main() -> None:
        await call()

    if loop == "asyncio":
        asyncio.run(main())
    else:
        trio.run(main)


@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_it_belongs_to_the_loop_of_its_first_call_while_that_runs(over: Over, first: str, second: str) -> None:
    transport = over(FakeBackend())
    sent, ended = threading.Event(), threading.Event()

    async def send_and_stay() -> None:
        await transport.send(reading())
        sent.set()
        await anyio.to_thread.run_sync(ended.wait)
        await transport.send(reading())
        await transport.aclose()

    running = threading.Thread(target=run_on, args=(first, send_and_stay))
    running.start()
    assert sent.wait(5)
    try:
        with pytest.raises(ConfigurationError, match="another event loop; make one client in each"):
            run_on(second, lambda: transport.send(reading()))
        with pytest.raises(ConfigurationError, match="another event loop; close it there"):
            run_on(second, transport.aclose)
    finally:
        ended.set()
        running.join(5)
    with pytest.raises(ConfigurationError, match="closed"):
        run_on(second, lambda: transport.send(reading()))


@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_it_goes_on_in_another_loop_when_its_own_is_gone(
    monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    backends: list[FakeBackend] = []

    def make() -> FakeBackend:
        backends.append(FakeBackend([Step(latency=0)]))
        return backends[-1]

    def choose(*_: Any, **__: Any) -> Any:
        return make

    monkeypatch.setattr("ac_sms_async.transport.backends.choice.choose_backend", choose)
    transport = Transport(URL, TOKEN)
    run_on(first, lambda: transport.send(reading()))
    run_on(second, lambda: transport.send(reading()))
    run_on(first, lambda: transport.send(reading()))
    assert [len(backend.requests) for backend in backends] == [1, 1, 1]
    # And is closed in any.
    run_on(second, transport.aclose)
    with pytest.raises(ConfigurationError, match="closed"):
        run_on(second, lambda: transport.send(reading()))


def test_loops_and_accounts_are_independent(over: Over) -> None:
    async def spend(transport: Transport) -> float:
        began = anyio.current_time()
        async with transport:
            for _ in range(5):
                await transport.send(reading())
        return anyio.current_time() - began

    def make() -> Transport:
        return over(FakeBackend([Step(latency=0)]))

    # Each loop has a budget of its own: otherwise the second run would have to wait.
    for _ in range(2):
        assert anyio.run(spend, make()) < 0.9


@pytest.mark.anyio
async def test_closing(over: Over) -> None:
    backend = FakeBackend()
    async with over(backend) as transport:
        await transport.send(reading())
        view = transport.with_options(timeout=1)
        await view.aclose()
        await view.send(reading())
        async with view:
            pass
        assert (backend.open, backend.closed) == (0, False)
    await transport.aclose()
    assert (backend.open, backend.closed) == (0, True)
    for closed in (transport, view):
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await closed.send(reading())
        with pytest.raises(ConfigurationError, match="this client is closed"):
            async with closed.stream(reading()):
                pass
    unused = over(FakeBackend())
    await unused.aclose()
    with pytest.raises(ConfigurationError, match="this client is closed"):
        await unused.request("GET", "/x")


@pytest.mark.anyio
async def test_views(over: Over) -> None:
    backend = FakeBackend([Step(status=503, latency=0)])
    async with over(backend, rate_limit=None, retry=RetryPolicy(1)) as transport:
        view = transport.with_options(timeout=Timeout(1, connect=2), retry=RetryPolicy(3, initial=0), deadline=5)
        for used in (transport, view, view.with_options()):
            with pytest.raises(ServerError):
                await used.send(reading())
        assert [request.timeout.read for request in backend.requests] == [30, 1, 1, 1, 1, 1, 1]
        assert transport.with_options(timezone="UTC").timezone.utcoffset(None) is not None
        wrong: list[dict[str, Any]] = [{"retry": 3}, {"timeout": 0}, {"deadline": 0}, {"timezone": "Mars"}]
        for options in wrong:
            with pytest.raises(ConfigurationError):
                transport.with_options(**options)


@pytest.mark.anyio
async def test_the_escape_hatch(over: Over) -> None:
    backend = FakeBackend([Step.json({"contacts": []}), Step(body=b""), Step(status=503, latency=0)])
    async with over(backend, rate_limit=None, retry=RetryPolicy(2, initial=0)) as transport:
        params: dict[str, Any] = {"a": [1, None, "x y"], "filters[b]": True, "c": None, "d": "&/?", "e": 1.5}
        response = await transport.request("get", "/contacts", params=params)
        assert response.parsed == {"contacts": []}
        assert backend.requests[0].target == "/api/3/contacts?a=1&a=x%20y&filters%5Bb%5D=true&d=%26%2F%3F&e=1.5"
        assert (await transport.request("PUT", "/api/3/contacts/5", json={"x": 1})).parsed is None
        assert (backend.requests[1].target, backend.requests[1].body) == ("/api/3/contacts/5", b'{"x":1}')
        # Only the caller can know whether a POST may be repeated.
        with pytest.raises(ServerError) as caught:
            await transport.request("POST", "/x", json=None)
        assert (caught.value.maybe_applied, len(backend.requests)) == (True, 3)
        assert backend.requests[2].body == b"null"
        for method, safe in (("POST", True), ("GET", None)):
            before = len(backend.requests)
            with pytest.raises(ServerError):
                await transport.request(method, "/x", retry_safe=safe)
            assert len(backend.requests) == before + 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("TRACE", "/x"),
        ("GET /evil HTTP/1.1\r\nX:", "/x"),
        (5, "/x"),
        ("GET", "https://evil.example/x"),
        ("GET", "//evil.example/x"),
        ("GET", "/../x"),
        ("GET", "/x?y=1"),
        ("GET", "x"),
    ],
)
async def test_the_escape_hatch_leads_nowhere_else(over: Over, method: Any, path: str) -> None:
    backend = FakeBackend()
    async with over(backend) as transport:
        with pytest.raises(ConfigurationError):
            await transport.request(method, path)
    assert backend.requests == []


@pytest.mark.anyio
async def test_a_json_loads_of_the_callers_choice(over: Over) -> None:
    async with over(FakeBackend([Step(body=b"12")]), json_loads=len) as transport:
        assert (await transport.send(reading())).parsed == 2


@pytest.mark.anyio
async def test_the_stricter_of_two_clients_limits_holds(over: Over) -> None:
    one, two = (
        over(FakeBackend([Step(latency=0)]), rate_limit=limit) for limit in (RateLimit(50), RateLimit(1, per=0.2))
    )
    began = anyio.current_time()
    async with one, two:
        for transport in (two, one, two):
            await transport.send(reading())
    assert anyio.current_time() - began >= 0.4


def test_it_works_without_orjson_and_httptools() -> None:
    code = """
import sys
sys.modules["orjson"] = sys.modules["httptools"] = None
from ac_sms_async.transport import Transport
from ac_sms_async.transport.bodies import default_loads
from ac_sms_async.errors import ConfigurationError, ServerError
assert default_loads(b"[1]") == [1]
try:
    Transport("https://acme.example", "token", backend="httptools")
except ConfigurationError as error:
    assert "pip install 'ac-sms-async[speedups]'" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_httptools_on_trio_says_what_to_use() -> None:
    transport = Transport(URL, TOKEN, backend="httptools")
    with pytest.raises(ConfigurationError, match="on trio use backend='httpx'"):
        trio.run(transport.request, "GET", "/x")


def test_the_aiohttp_backend_says_what_replaced_it() -> None:
    with pytest.raises(ConfigurationError, match=r"backend='httptools' is faster .*AiohttpTransport\(\)\)$"):
        Transport(URL, TOKEN, backend="aiohttp")  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_before_start_is_asked_before_each_request_and_can_stop_it(over: Over) -> None:
    asked: list[int] = []

    def before_start() -> None:
        asked.append(len(backend.requests))
        if len(asked) == 3:
            raise KeyError

    backend = FakeBackend([Step(status=503, latency=0), Step(latency=0)])
    transport = over(backend, before_start=before_start, max_concurrency=1, retry=RetryPolicy(initial=0))
    async with transport:
        await transport.send(reading())
        with pytest.raises(KeyError):
            await transport.send(reading())
        await transport.send(reading())
    assert asked == [0, 1, 2, 2]
