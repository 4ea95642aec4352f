"""The token goes to one origin, and shows nowhere: not in what is returned, raised, logged, told or pickled."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

import ac_sms_async
from ac_sms_async import RetryPolicy, SMSClient, SMSError, Timeout
from tests.faults.answers import minimal
from tests.faults.calls import CALLS
from tests.faults.http11 import Answer, Request
from tests.faults.server import FAULTS, Fault, Phase, ServerThread
from tests.secrets.finder import traces

pytestmark = pytest.mark.anyio

TOKEN = "tok-5ecret+/=of-nobody"


@pytest.fixture(scope="module")
def servers() -> Iterator[ServerThread]:
    thread = ServerThread()
    yield thread
    thread.stop()


def client(url: str, *, attempts: int = 2, **options: Any) -> SMSClient:
    return SMSClient(
        url,
        TOKEN,
        rate_limit=None,
        timeout=Timeout(0.2, connect=0.2),
        deadline=2,
        retry=RetryPolicy(max_attempts=attempts, initial=0, maximum=0),
        **options,
    )


STRIKES = [
    (phase, fault)
    for phase in Phase
    for fault in FAULTS[phase]
    # A 429 pauses the account for a second each time.
    if phase not in (Phase.CONNECT, Phase.TLS) and fault is not Fault.LIMITED_429
]


async def test_nothing_that_a_program_gets_holds_it(servers: ServerThread, caplog: pytest.LogCaptureFixture) -> None:
    """Every call, with one fault after the other: values, errors, events and log records, however deep one looks."""
    caplog.set_level(logging.DEBUG)
    told: list[Any] = []
    strikes = iter(STRIKES * 10)
    with servers.serve(minimal) as server:
        async with client(server.url, on_event=told.append) as sms:
            for call in CALLS.values():
                for _ in range(3):
                    phase, fault = next(strikes)
                    if fault is not Fault.DRIP:
                        server.inject(phase, fault, times=2)
                    try:
                        told.append(await call(sms))
                    except SMSError as error:
                        told.append(error)
                    server.heal()
    assert any(isinstance(thing, SMSError) for thing in told)
    assert len(told) > 100
    assert caplog.records
    for thing in [*told, *(record.__dict__ for record in caplog.records), caplog.text]:
        if isinstance(thing, ac_sms_async.AIRequest):
            # A handle holds its client, which has to know the token; what it shows must not.
            assert TOKEN not in f"{thing!r}{thing}"
        else:
            assert traces(thing, TOKEN) == []
    assert all(request.headers["api-token"] == TOKEN for request in server.seen)


async def test_a_server_that_repeats_the_token_is_not_repeated() -> None:
    said = f"your token {TOKEN} is wrong"
    bodies = [
        json.dumps({"message": said, "errors": [{"title": said, "detail": TOKEN}]}),
        json.dumps({"errors": {TOKEN: [TOKEN]}}),
        json.dumps({"success": 0, "message": said}),
        f"<html>{said}</html>",
        said,
        TOKEN * 2_000,
    ]
    for status in (200, 302, 400, 403, 429, 500):
        for body in bodies:
            headers = {"X-Echo": TOKEN, "Location": f"https://elsewhere.test/?token={TOKEN}"}

            def server(
                request: httpx.Request, status: int = status, body: str = body, headers: Any = headers
            ) -> httpx.Response:
                return httpx.Response(status, text=body, headers=headers)

            async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as inner:
                # An account of its own each time, because a 429 pauses it.
                account = f"{status} {body[:9]}"
                async with client("https://acme.api-us1.com", http_client=inner, account=account, attempts=1) as sms:
                    with pytest.raises(SMSError) as caught:
                        await sms.credits.get()
            assert traces(caught.value, TOKEN) == [], (status, body[:60])


async def test_tracebacks_with_local_variables_do_not_show_it(servers: ServerThread) -> None:
    """As error trackers record them."""
    with servers.serve(minimal) as server:
        async with client(server.url) as sms:
            for phase, fault in (
                (Phase.SENT, Fault.RESET),
                (Phase.ANSWER, Fault.ERROR_500),
                (Phase.BODY, Fault.GARBAGE),
            ):
                server.inject(phase, fault)
                with pytest.raises(SMSError) as caught:
                    await sms.credits.get()
                shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
                assert TOKEN not in shown


async def test_clients_do_not_show_it_and_refuse_to_be_pickled() -> None:
    async with client("https://acme.api-us1.com") as sms:
        view = sms.with_options(timeout=3)
        for thing in (
            sms,
            view,
            sms.transport,
            sms.broadcasts,
            sms.metrics,
            sms.ai.request("1"),
            sms.broadcasts.list(),
        ):
            assert TOKEN not in f"{thing!r} {thing} {thing:}"
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
                pickle.dumps(thing)
            assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(servers: ServerThread, status: int) -> None:
    with servers.serve(minimal) as elsewhere:

        async def moved(request: Request) -> Answer:
            return Answer(b"", status, headers={"Location": elsewhere.url + request.target})

        with servers.serve(moved) as server:
            async with (
                client(server.url) as sms,
                httpx.AsyncClient(follow_redirects=True) as following,
                client(server.url, http_client=following) as own,
            ):
                for one in (sms, own):
                    for call in CALLS.values():
                        with pytest.raises(ac_sms_async.APIStatusError) as caught:
                            await call(one)
                        assert caught.value.status == status
                        assert not caught.value.maybe_applied
        assert len(server.seen) == 2 * len(CALLS)
        assert elsewhere.connections == 0


@pytest.fixture
async def never() -> AsyncIterator[SMSClient]:
    """A client whose server must not be asked at all."""

    def server(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} {request.url} was sent")

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(server)) as inner,
        SMSClient("https://acme.api-us1.com", TOKEN, http_client=inner, rate_limit=None) as sms,
    ):
        yield sms


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.test/api/3/sms/credits",
        "https://acme.api-us1.com/api/3/sms/credits",
        "//elsewhere.test/x",
        "/\\elsewhere.test/x",
        "\\\\elsewhere.test",
        "@elsewhere.test/x",
        ":443@elsewhere.test/",
        ".elsewhere.test/",
        "",
        "/",
        "sms/credits",
        "/sms/../../admin",
        "/sms/./credits",
        "/sms/%2e%2e/admin",
        "/sms/%2E%2E%2Fadmin",
        "/sms/%252e%252e/admin",
        "/sms/a%2fb",
        "/sms/a%5Cb",
        "/sms//credits",
        "/sms/credits?x=1",
        "/sms/credits#x",
        "/sms/credits\r\nApi-Token: x",
        "/sms/credits%0d%0aX: y",
        "/sms/credits HTTP/1.1",
        "/sms/\x00",
        "/sms/\u202e",
        "/sms/cr\u00e9dits",
        None,
        b"/sms/credits",
    ],
)
async def test_paths_that_lead_elsewhere_are_refused(never: SMSClient, path: Any) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(ac_sms_async.ConfigurationError) as caught:
            await never.request(method, path)
        assert traces(caught.value, TOKEN) == []


@pytest.mark.parametrize("method", ["GET /x HTTP/1.1\r\nX: y\r\n\r\nGET", "CONNECT", "TRACE", "", None, "GE T", b"GET"])
async def test_methods_that_are_none_are_refused(never: SMSClient, method: Any) -> None:
    with pytest.raises(ac_sms_async.ConfigurationError):
        await never.request(method, "/sms/credits")


BAD_IDS: list[Any] = ["42", "1/../2", "../credits", "1%2f2", 0, -1, True, None, 4.0, b"1", [1], "٤٢"]


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
async def test_ids_are_positive_integers_and_nothing_else(never: SMSClient, bad: Any) -> None:
    calls: list[Any] = [
        lambda: never.broadcasts.get(bad),
        lambda: never.broadcasts.update(bad, body="x"),
        lambda: never.broadcasts.send(bad),
        lambda: never.broadcasts.delete(bad),
        lambda: never.broadcasts.wait(bad),
        lambda: never.ai.update(bad, prompt="p", tone="t", source="ai_builder"),
        lambda: never.metrics.get([bad]),
        lambda: never.metrics.fetch([bad]),
        lambda: never.metrics.snapshot(ids=[bad]),
        lambda: never.metrics.failures(bad),
        lambda: never.recipients.list(bad).to_list(),
        lambda: never.exports.recipients(bad).__aenter__(),
        lambda: never.exports.metrics([bad]).__aenter__(),
    ]
    for call in calls:
        with pytest.raises(ac_sms_async.ConfigurationError):
            await call()


@pytest.mark.parametrize("request_id", ["", ".", "..", "...", None, 42, b"x"])
async def test_ids_of_ai_requests_that_are_none_are_refused(never: SMSClient, request_id: Any) -> None:
    with pytest.raises(ac_sms_async.ConfigurationError):
        await never.ai.request(request_id).status()


@pytest.mark.parametrize(
    "request_id", ["../../admin", "a/b", "a%2fb", "a?b=c", "a#b", "a\r\nX: y", "\u00e9", "a b", "\\", "%2e%2e"]
)
async def test_ids_of_ai_requests_stay_within_their_place(servers: ServerThread, request_id: str) -> None:
    with servers.serve(minimal) as server:
        async with client(server.url) as sms:
            try:
                await sms.ai.request(request_id).status()
            except ac_sms_async.ConfigurationError:
                assert not server.seen
                return
    (request,) = server.seen
    path, question, _ = request.target.partition("?")
    assert not question
    assert path.startswith("/api/3/sms/broadcasts/ai/")
    assert "/" not in path.removeprefix("/api/3/sms/broadcasts/ai/")
    assert set(request.headers) <= {"host", "accept", "accept-encoding", "user-agent", "api-token", "connection"}


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.api-us1.com",
        "http://127.0.0.1.elsewhere.test",
        "http://localhost.elsewhere.test",
        "http://localhost@elsewhere.test",
        "http://elsewhere.test#@localhost",
        "http://elsewhere.test\\@localhost",
        "http://[::ffff:10.0.0.1]",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "https://user:password@acme.api-us1.com",
        "https://acme.api-us1.com@elsewhere.test",
        "https://acme.api-us1.com\r\nX: y",
        "https://acme.api-us1.com?x",
        "https://acme.api-us1.com/../x",
        "ftp://acme.api-us1.com",
        "//acme.api-us1.com",
        "acme",
        TOKEN,
        "",
        None,
    ],
)
def test_urls_that_would_give_it_away_are_refused(url: Any) -> None:
    with pytest.raises(ac_sms_async.ConfigurationError) as caught:
        SMSClient(url, TOKEN)
    assert traces(caught.value, TOKEN) == []


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://127.9.9.9"])
def test_loopback_may_do_without_tls(url: str) -> None:
    assert TOKEN not in repr(SMSClient(url, TOKEN))


@pytest.mark.parametrize("bad", [f"{TOKEN}\r\nX-Evil: y", f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}\x00", f"{TOKEN}\u00e9"])
def test_tokens_that_would_break_out_of_their_header_are_refused(bad: str) -> None:
    with pytest.raises(ac_sms_async.ConfigurationError) as caught:
        SMSClient("https://acme.api-us1.com", bad)
    assert traces(caught.value, TOKEN) == []


async def test_a_proxy_of_the_environment_gets_no_token_in_the_clear(
    servers: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http:// is for loopback only, and a proxy is not that."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with servers.serve(minimal) as proxy, servers.serve(minimal) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with client(server.url) as sms:
            await sms.credits.get()
    assert proxy.connections == 0
    assert len(server.seen) == 1


def test_errors_survive_the_way_to_another_process_without_it() -> None:
    for name in ac_sms_async.__all__:
        kind = getattr(ac_sms_async, name)
        if isinstance(kind, type) and issubclass(kind, SMSError):
            error = kind("no", status=500) if issubclass(kind, ac_sms_async.APIStatusError) else kind("no")
            for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
                assert type(same) is kind
                assert str(same) == str(error)
