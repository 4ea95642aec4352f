"""One call on virtual time: attempts, pauses, the deadline over them all, and what the errors say."""

from __future__ import annotations

import copy
import gzip
import pickle
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from ac_sms_async.errors import (
    APIStatusError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    DeadlineExceededError,
    InvalidResponseError,
    RateLimitedError,
    RequestInfo,
    ServerError,
    SMSError,
    TransportError,
)
from ac_sms_async.lowlevel.types import DecodeError
from ac_sms_async.options import RateLimit, RetryPolicy
from ac_sms_async.transport import Transport
from tests.transport.fake_backend import FakeBackend, Step
from tests.transport.requests import TOKEN, reading, writing

pytestmark = pytest.mark.anyio

Over = Callable[..., Transport]
QUICK = RetryPolicy(initial=1, maximum=1)
"""At most a second between attempts."""


@pytest.fixture
def anyio_backend(virtual_backend: Any) -> Any:
    return virtual_backend


@pytest.fixture(autouse=True)
def full_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chance in the jitter: it is always the whole."""
    monkeypatch.setattr("random.random", lambda: 1.0)


async def fails(transport: Transport, request: Any) -> SMSError:
    with pytest.raises(SMSError) as caught:
        await transport.send(request)
    error = caught.value
    # Whatever it is, it travels, and brings its state along.
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), again.attempts, again.request, again.maybe_applied) == (
            (str(error), error.attempts, error.request, error.maybe_applied)
        )
    assert TOKEN not in repr(vars(error))
    return error


async def test_an_answer(over: Over) -> None:
    backend = FakeBackend([Step.json({"smsCredits": 5}, headers={"x-request-id": "1"})])
    async with over(backend) as transport:
        response = await transport.send(reading(query="limit=20"))
    assert (response.status, response.headers, response.parsed) == (200, {"x-request-id": "1"}, {"smsCredits": 5})
    [sent] = backend.requests
    assert (sent.method, sent.target, sent.accept, sent.body) == (
        ("GET", "/api/3/sms/credits?limit=20", "application/json", None)
    )
    assert backend.closed
    assert backend.open == 0


async def test_a_body_and_a_path_prefix(over: Over) -> None:
    backend = FakeBackend([Step.json({"id": 3}, 201)])
    async with over(backend, url="http://127.0.0.1:80/acme/") as transport:
        assert (await transport.send(writing())).status == 201
    [sent] = backend.requests
    assert (sent.method, sent.target, sent.body) == ("POST", "/acme/api/3/sms/broadcasts", b'{"name":"Sale"}')


async def test_text_is_decoded_from_text_in_the_clients_zone(over: Over) -> None:
    seen: list[Any] = []

    def decode(value: Any, zone: Any) -> str:
        seen.append((value, str(zone)))
        return "model"

    backend = FakeBackend([Step(body=b"\xef\xbb\xbfid\n1\n")])
    async with over(backend, timezone="Europe/Berlin") as transport:
        assert (await transport.send(reading(accept="text/csv", decode=decode))).parsed == "model"
        assert (await transport.with_options(timezone="UTC").send(reading(accept="text/csv", decode=decode))).parsed
    assert seen == [("id\n1\n", "Europe/Berlin"), ("id\n1\n", "UTC")]
    assert backend.requests[0].accept == "text/csv"


async def test_a_compressed_body(over: Over) -> None:
    packed = gzip.compress(b'{"a": 1}')
    backend = FakeBackend([Step(body=packed, headers={"content-encoding": "gzip"})])
    async with over(backend) as transport:
        assert (await transport.send(reading())).parsed == {"a": 1}
    backend = FakeBackend([Step(body=packed[:-9], headers={"content-encoding": "gzip"})])
    async with over(backend, retry=RetryPolicy(1)) as transport:
        assert "ends too early" in str(await fails(transport, reading()))


FAULTS: list[tuple[Step, type[SMSError]]] = [
    (Step(error=TransportError("reset")), TransportError),
    (Step(status=408), APIStatusError),
    (Step(status=500), ServerError),
    (Step(status=520), ServerError),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
async def test_a_read_is_tried_again(over: Over, fault: Step, kind: type[SMSError]) -> None:
    backend = FakeBackend([fault, fault, Step.json(1)])
    async with over(backend, retry=QUICK) as transport:
        assert (await transport.send(reading())).parsed == 1
        assert [at - backend.times[0] for at in backend.times] == pytest.approx([0, 1.1, 2.2])
    async with over(FakeBackend([fault]), retry=QUICK) as transport:
        error = await fails(transport, reading())
    assert type(error) is kind
    assert (error.attempts, error.maybe_applied) == (4, False)
    assert error.request == RequestInfo("GET", "/sms/credits", "getSmsCreditData")
    assert str(error).endswith("(GET /sms/credits, 4 attempts)")


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
async def test_a_write_is_never_sent_twice(over: Over, fault: Step, kind: type[SMSError]) -> None:
    backend = FakeBackend([fault])
    async with over(backend, retry=QUICK) as transport:
        error = await fails(transport, writing())
    assert type(error) is kind
    assert (error.attempts, error.maybe_applied, len(backend.requests)) == (1, True, 1)


async def test_a_write_that_provably_did_nothing_is_sent_again(over: Over) -> None:
    backend = FakeBackend([Step(error=ConnectError("refused")), Step(status=429), Step.json(1, 201)])
    async with over(backend, retry=QUICK) as transport:
        assert (await transport.send(writing())).status == 201
    assert len(backend.requests) == 2
    refused = FakeBackend([Step(error=ConnectError("refused"))])
    async with over(refused, retry=QUICK) as transport:
        error = await fails(transport, writing())
    assert type(error) is ConnectError
    assert (error.attempts, error.maybe_applied, refused.requests) == (4, False, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 499, 302])
@pytest.mark.parametrize("request_", [reading(), writing()])
async def test_a_refusal_is_final(over: Over, status: int, request_: Any) -> None:
    backend = FakeBackend([Step.json({"message": "no"}, status)])
    async with over(backend) as transport:
        error = await fails(transport, request_)
    assert isinstance(error, APIStatusError)
    assert (error.status, error.attempts, error.maybe_applied, len(backend.requests)) == (status, 1, False, 1)


async def test_what_the_server_says_reaches_the_error_without_the_token(over: Over) -> None:
    body = f'{{"message": "no {TOKEN} please"}}'.encode()
    packed = gzip.compress(body)
    headers = {"content-encoding": "gzip", "x-echo": f"Api-Token {TOKEN}"}
    async with over(FakeBackend([Step(status=400, body=packed, headers=headers)])) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, BadRequestError)
    assert error.message == "HTTP 400: no *** please"
    assert error.body == b'{"message": "no *** please"}'
    assert error.headers["x-echo"] == "Api-Token ***"


async def test_an_errors_body_is_bounded_however_well_it_is_compressed(over: Over) -> None:
    packed = gzip.compress(b" " * 10_000_000)
    async with over(FakeBackend([Step(status=400, body=packed, headers={"content-encoding": "gzip"})])) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, BadRequestError)
    assert error.body == b" " * 65536


@pytest.mark.parametrize(
    "step",
    [
        Step(status=404, pieces=(b"cut",)),
        Step(status=404, pieces=(b"x",), piece_latency=60),
        Step(status=404, body=b"x", headers={"content-encoding": "br"}),
    ],
)
async def test_an_errors_body_is_worth_little_waiting_and_no_other_error(over: Over, step: Step) -> None:
    began = anyio.current_time()
    async with over(FakeBackend([step])) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, APIStatusError)
    assert (error.status, error.body) == (404, b"")
    assert anyio.current_time() - began < 6


@pytest.mark.parametrize(
    ("step", "path", "says"),
    [
        (Step(body=b""), "$", "is empty"),
        (Step(body=b"<p>Down</p>"), "$", "HTML page .*Down"),
        (Step(body=b'{"a":1}{"b":2}'), "$", "not the JSON"),
        (Step.json({"success": False, "message": f"no {TOKEN}"}), "$", r"reports a failure: no \*\*\*"),
        (Step.json({"succeeded": 0}), "$", "reports a failure"),
        (Step.json({"rows": 5}), "$.rows", r"promises: \$\.rows is no list"),
        (Step(body=b"", status=204), "$", "promises: .* is nothing"),
    ],
)
async def test_a_success_that_is_none(over: Over, step: Step, path: str, says: str) -> None:
    def decode(value: Any, zone: Any) -> Any:
        if value is None:
            raise DecodeError("$", "is nothing")
        raise DecodeError("$.rows", "is no list")

    for request in (reading(decode=decode), writing(decode=decode)):
        backend = FakeBackend([step])
        async with over(backend) as transport:
            error = await fails(transport, request)
        assert isinstance(error, InvalidResponseError)
        with pytest.raises(InvalidResponseError, match=says):
            raise error
        assert (error.path, error.status, error.attempts) == (path, step.status, 1)
        assert error.maybe_applied is not request.retry_safe
        assert error.body == step.body.replace(TOKEN.encode(), b"***")


async def test_a_deletion_may_be_answered_with_nothing(over: Over) -> None:
    async with over(FakeBackend([Step(body=b"")])) as transport:
        assert (await transport.send(writing(method="DELETE"))).parsed is None


async def test_retry_after_is_obeyed_up_to_the_cap(over: Over) -> None:
    def busy(seconds: float) -> Step:
        return Step(status=503, headers={"retry-after": str(seconds)})

    backend = FakeBackend([busy(60), busy(0), Step.json(1)])
    async with over(backend, retry=QUICK) as transport:
        await transport.send(reading())
    assert [at - backend.times[0] for at in backend.times] == pytest.approx([0, 60.1, 61.2])

    backend = FakeBackend([busy(61)])
    async with over(backend) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, ServerError)
    assert (error.retry_after, error.attempts) == (61, 1)


async def test_a_retry_that_cannot_fit_is_not_slept_for(over: Over) -> None:
    backend = FakeBackend([Step(status=503, headers={"retry-after": "20"})])
    began = anyio.current_time()
    async with over(backend, deadline=20) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, ServerError)
    assert error.retry_after == 20
    assert anyio.current_time() - began < 1


async def test_the_deadline_holds_while_on_the_wire(over: Over) -> None:
    for request, maybe_applied in ((reading(), False), (writing(), True)):
        backend = FakeBackend([Step(latency=1000)])
        began = anyio.current_time()
        async with over(backend, deadline=7) as transport:
            error = await fails(transport, request)
        assert isinstance(error, DeadlineExceededError)
        assert isinstance(error, TimeoutError)
        assert "deadline of 7 s passed" in str(error)
        assert anyio.current_time() - began == pytest.approx(7)
        assert (error.attempts, error.maybe_applied, error.__cause__) == (1, maybe_applied, None)
        assert backend.open == 0


async def test_a_write_whose_connection_never_opened_did_nothing(over: Over) -> None:
    async with over(FakeBackend([Step(connect=1000)]), deadline=7) as transport:
        error = await fails(transport, writing())
    assert isinstance(error, DeadlineExceededError)
    assert not error.maybe_applied


async def test_the_deadline_knows_what_went_wrong_before(over: Over) -> None:
    backend = FakeBackend([Step(error=ConnectError("refused")), Step(latency=1000)])
    async with over(backend, deadline=7, retry=QUICK) as transport:
        error = await fails(transport, writing())
    assert isinstance(error, DeadlineExceededError)
    assert isinstance(error.__cause__, ConnectError)
    assert error.attempts == 2


async def test_the_deadline_holds_in_a_body_that_drips(over: Over) -> None:
    began = anyio.current_time()
    backend = FakeBackend([Step(pieces=(b" ",) * 1000, piece_latency=1)])
    async with over(backend, deadline=9.5) as transport:
        error = await fails(transport, reading())
    assert isinstance(error, DeadlineExceededError)
    assert anyio.current_time() - began == pytest.approx(9.5)


@pytest.mark.parametrize("options", [{"max_concurrency": 1}, {"rate_limit": RateLimit(1, per=100)}], ids=str)
async def test_the_deadline_holds_while_waiting_for_a_slot_or_the_budget(over: Over, options: dict[str, Any]) -> None:
    backend = FakeBackend([Step(latency=50)])

    async def late(transport: Transport) -> None:
        error = await fails(transport, writing())
        assert isinstance(error, DeadlineExceededError)
        assert (error.attempts, error.maybe_applied) == (0, False)

    async with over(backend, deadline=9, **options) as transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.with_options(deadline=60).send, reading())
        await anyio.sleep(0.01)
        tasks.start_soon(late, transport)
        tasks.start_soon(late, transport)
    assert len(backend.requests) == 1


async def test_a_slot_is_given_back_while_backing_off(over: Over) -> None:
    backend = FakeBackend([Step(status=503, headers={"retry-after": "30"}), Step.json(1)])
    async with over(backend, max_concurrency=1) as transport:
        ended: list[float] = []

        async def call() -> None:
            await transport.send(reading())
            ended.append(anyio.current_time())

        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(call)
    assert ended[0] - began < 1
    assert ended[1] - began == pytest.approx(30.2)


async def test_a_429_pauses_the_account_and_no_other(over: Over) -> None:
    slow = FakeBackend([Step(status=429, headers={"retry-after": "7"}), Step.json(1)])
    free = FakeBackend([Step.json(1)])
    one, two, other = over(slow), over(slow), over(free, account="other")
    async with one, two, other, anyio.create_task_group() as tasks:
        tasks.start_soon(one.send, writing())
        await anyio.sleep(0.2)
        tasks.start_soon(two.send, reading())
        tasks.start_soon(other.send, reading())
    assert [round(at - slow.times[0], 2) for at in slow.times] == [0, 7.1, 7.1]
    assert free.times[0] - slow.times[0] < 0.5


async def test_a_429_without_a_hint_pauses_for_a_second_at_least(over: Over) -> None:
    backend = FakeBackend([Step(status=429), Step.json(1)])
    async with over(backend, retry=RetryPolicy(initial=0, maximum=0)) as transport:
        await transport.send(reading())
    assert backend.times[1] - backend.times[0] == pytest.approx(1.1)


@pytest.mark.parametrize(("pause", "deadline"), [(100, 300), (30, 20)])
async def test_a_pause_too_long_to_wait_for_fails_at_once(over: Over, pause: int, deadline: int) -> None:
    backend = FakeBackend([Step(status=429, headers={"retry-after": str(pause)}), Step.json(1)])
    async with over(backend, deadline=deadline) as transport:
        first = await fails(transport, reading())
        second = await fails(transport, writing())
        assert isinstance(first, RateLimitedError)
        assert (first.retry_after, first.attempts) == (pause, 1)
        assert isinstance(second, RateLimitedError)
        assert second.retry_after == pytest.approx(pause)
        assert (second.attempts, second.maybe_applied, len(backend.requests)) == (0, False, 1)
        await anyio.sleep(pause)
        assert (await transport.send(reading())).parsed == 1


async def test_never_more_than_five_starts_in_a_second_retries_included(over: Over) -> None:
    backend = FakeBackend([Step(status=503 if n % 3 == 0 else 200, latency=0.2) for n in range(90)])
    patient = RetryPolicy(30, initial=0.1, maximum=0.1)
    one, two = over(backend, retry=patient), over(backend, retry=patient)
    async with one, two, anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(one.send, reading())
            tasks.start_soon(two.send, reading())
    assert len(backend.times) >= 60
    assert max(sum(1 for b in backend.times if a <= b < a + 1) for a in backend.times) == 5


async def test_a_connection_that_cannot_be_opened_spends_no_budget(over: Over) -> None:
    backend = FakeBackend([Step(connect=0.1, error=ConnectError("refused")), Step.json(1)])
    began = anyio.current_time()
    async with over(backend, rate_limit=RateLimit(1, per=50), retry=RetryPolicy(initial=0)) as transport:
        await transport.send(reading())
    assert anyio.current_time() - began < 1


async def test_a_new_connection_counts_from_where_its_answer_begins_not_ends(over: Over) -> None:
    slow = Step(connect=0.1, latency=0.1, pieces=(b"1",), piece_latency=10)
    backend = FakeBackend([slow, Step.json(1)])
    transport = over(backend, rate_limit=RateLimit(1, per=1, margin=0))
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        await anyio.sleep(0.01)
        tasks.start_soon(transport.send, reading())
    assert backend.times[1] - backend.times[0] == pytest.approx(1.1)


async def test_a_write_turned_away_that_then_waits_too_long_did_nothing(over: Over) -> None:
    def script(request: Any) -> Step:
        return Step(latency=100) if request.method == "GET" else Step(status=429, headers={"retry-after": "1"})

    errors: list[SMSError] = []

    async def write() -> None:
        errors.append(await fails(transport, writing()))

    transport = over(FakeBackend(script), max_concurrency=1, deadline=10)
    async with transport, anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await anyio.sleep(0.05)
        # Takes the slot while the write backs off, and keeps it.
        tasks.start_soon(transport.with_options(deadline=200).send, reading())
    [error] = errors
    assert isinstance(error, DeadlineExceededError)
    assert isinstance(error.__cause__, RateLimitedError)
    assert (error.attempts, error.maybe_applied) == (1, False)


async def test_a_closed_client_sends_no_more(over: Over) -> None:
    backend = FakeBackend([Step(latency=5)])
    transport = over(backend, max_concurrency=1)
    problems: list[SMSError] = []

    async def queued() -> None:
        problems.append(await fails(transport, reading()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, reading())
        await anyio.sleep(1)
        tasks.start_soon(queued)
        await anyio.sleep(1)
        await transport.aclose()
    assert isinstance(problems[0], ConfigurationError)
    assert problems[0].attempts == 0
    with pytest.raises(ConfigurationError, match="closed"):
        await transport.send(reading())
    assert len(backend.requests) == 1


async def test_cancelling_a_call_anywhere_loses_nothing(over: Over) -> None:
    step = Step(connect=0.3, latency=0.3, pieces=(b"{", b"}"), piece_latency=0.2)
    backend = FakeBackend([step])
    async with over(backend, max_concurrency=2, rate_limit=RateLimit(2)) as transport:
        for moment in range(40):
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(transport.send, reading())
                await anyio.sleep(moment / 10)
                tasks.cancel_scope.cancel()
            assert backend.open == 0
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(transport.send, reading())
        assert anyio.current_time() - began < 5
