"""What is said to a Redis and understood of its answers: without one, so that it is tried everywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from redis.exceptions import AuthenticationError, NoScriptError, ReadOnlyError, TimeoutError
from redis.exceptions import ConnectionError as ConnectionLost

if sys.platform != "linux":
    pytest.skip("what machines share is shared on Linux", allow_module_level=True)

from ac_sms_async.budget.redis import RedisStore
from ac_sms_async.budget.redis_address import connection_to
from ac_sms_async.budget.store import CONNECTING, PATIENCE, Answer, Cut, Request, Trouble

URL = "redis://me:s3cret@db/1"
EMPTY: list[Any] = ["0", "1000.5", [], "-inf", 0, [], "", ""]


@define
class Wire:
    """As `redis_address.Wire`; `replies` says what is answered, or raised."""

    replies: list[Any]
    sent: list[tuple[str | int, ...]] = field(factory=list[tuple[str | int, ...]])
    is_open: bool = False

    def connect(self) -> None:
        if isinstance(self.replies[0], AuthenticationError):
            raise self.replies[0]
        self.is_open = True

    def send_command(self, *command: str | int) -> None:
        self.sent.append(command)

    def read_response(self) -> Any:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def disconnect(self) -> None:
        self.is_open = False


Answering = Callable[..., Wire]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    def make(*replies: Any) -> Wire:
        wire = Wire(list(replies))

        def connection_to(url: str, *, patience: float, connecting: float) -> Wire:
            assert url == URL
            assert (patience, connecting) == (PATIENCE, CONNECTING)
            return wire

        monkeypatch.setattr("ac_sms_async.budget.redis.connection_to", connection_to)
        return wire

    return make


def test_the_script_is_named_and_sent_where_it_is_not_known(answering: Answering) -> None:
    full = ["0.25", "1000.5", ["1000", "1000.25"], "1001", 3, ["12", "-13"], 5, "1.05"]
    wire = answering(NoScriptError("NOSCRIPT No matching script."), [full, EMPTY], [EMPTY])
    store = RedisStore(URL)
    look = Request("acme", "look", 12, True, 7, 0.0, True, 5, 1.05, 1)
    assert store.take_turns([look, Request("other", "show", 12)]) == [
        Answer(0.25, [-0.5, -0.25], 0.5, 3, [12, -13], (5, 1.05)),
        Answer(0.0, [], -float("inf"), 0, []),
    ]
    assert store.take_turns([look]) == [Answer(0.0, [], -float("inf"), 0, [])]
    named, sent, again = wire.sent
    assert [command[0] for command in wire.sent] == ["EVALSHA", "EVAL", "EVALSHA"]
    assert str(sent[1]).startswith("-- The rules of ledger.py within Redis")
    keys = (2, "ac_sms_budget:acme", "ac_sms_budget:other", "")
    # What it wrote down may be of a while ago, where the script is new to it.
    assert named[2:7] == (*keys, "0")
    assert sent[2:7] == (*keys, "1")
    assert again[1:5] == (named[1], 1, "ac_sms_budget:acme", "")
    assert named[7:12] == ("1", "look", "12", "1", "7")
    assert named[13:17] == ("1", "5", "1.05", "1")
    assert named[17:19] == ("2", "show")
    assert named[23:] == ("0", "", "0.0", "0")
    store.break_off()
    assert wire.is_open
    store.close()
    assert not wire.is_open


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionLost("me:s3cret"), Cut),
        (TimeoutError("me:s3cret"), Trouble),
        (ReadOnlyError("me:s3cret"), Trouble),
    ],
)
def test_trouble_has_the_name_of_its_kind_and_no_secret(
    answering: Answering, error: Exception, kind: type[Trouble]
) -> None:
    answering(error)
    store = RedisStore(URL)
    with pytest.raises(Trouble, match=f"^{type(error).__name__}$") as found:
        store.take_turns([Request("acme", "show", 1)])
    assert type(found.value) is kind
    assert found.value.__cause__ is None


def test_who_may_not_come_in_is_told_so(answering: Answering) -> None:
    answering(AuthenticationError("invalid password s3cret"))
    with pytest.raises(Trouble, match=r"^AuthenticationError$"):
        RedisStore(URL)


def test_how_long_it_is_waited_for_is_not_the_urls_to_say() -> None:
    there: Any = connection_to(f"{URL}?socket_timeout=100&socket_connect_timeout=100&max_connections=7", patience=0.25)
    assert (there.socket_timeout, there.socket_connect_timeout) == (0.25, 1.0)
