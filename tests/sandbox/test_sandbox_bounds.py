"""Whatever is sent: what the sandbox reads and keeps has bounds, and it goes on."""

from __future__ import annotations

import logging
import socket
import sys

import httpx
import pytest

from ac_sms_async.sandbox import Journal, JournalEntry
from tests.sandbox.served import Served

MEGABYTE = 1024 * 1024


def entry(number: int) -> JournalEntry:
    return JournalEntry(float(number), "POST", f"/{number}", "")


def test_the_journal_keeps_so_many_and_so_much() -> None:
    journal = Journal(keep=50, most=MEGABYTE)
    for number in range(200):
        journal.note(entry(number))
    assert (len(journal), journal[0].path, journal.seen) == (50, "/150", 200)
    late = journal[0]
    noted = entry(200)
    for number in range(201, 240):
        noted = entry(number)
        journal.note(noted)
        # Of four bytes a letter.
        journal.keep_body(noted, "\N{SUNFLOWER}" * 16_000)
    assert 10 < len(journal) < 20
    assert sum(sys.getsizeof(each.body) for each in journal) < MEGABYTE
    assert journal[-1] is noted
    # One whose body comes when it is long gone changes nothing.
    journal.keep_body(late, "x" * MEGABYTE)
    assert 10 < len(journal) < 20
    journal.clear()
    journal.keep_body(noted, "x" * 2 * MEGABYTE)
    journal.note(entry(1))
    assert len(journal) == 1


def test_a_hundred_thousand_long_requests_fit() -> None:
    journal = Journal()
    for number in range(100_000):
        noted = entry(number)
        journal.note(noted)
        journal.keep_body(noted, f"{number:065536}")
    assert journal.seen == 100_000
    assert sum(sys.getsizeof(each.body) for each in journal) <= 64 * MEGABYTE
    assert len(journal) > 900


@pytest.mark.parametrize("path", ["/api/3/sms/broadcasts/metrics", "/_sandbox/faults"])
def test_a_body_has_an_end(served: Served, path: str) -> None:
    with httpx.Client(base_url=served.sandbox.url, verify=False) as http:
        # One byte more than fits, so that nothing is left unread, which would reset the connection.
        told = http.post(path, content=b" " * (8 * MEGABYTE + 1))
        assert (told.status_code, told.json()["message"]) == (413, "No body may be longer than 8,388,608 bytes.")
        assert http.post(path, content=b" " * MEGABYTE).status_code in (400, 403)
    assert all(len(each.body) <= 65_536 for each in served.sandbox.journal)


def test_whoever_leaves_in_the_middle_of_a_body_is_no_error(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    host, port = served.sandbox.url.removeprefix("http://").split(":")
    for path in ("/api/3/sms/broadcasts", "/_sandbox/faults"):
        with socket.create_connection((host, int(port)), timeout=5) as leaving:
            leaving.sendall(f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert served.get("/sms/credits")
    with caplog.at_level(logging.ERROR):
        # It waits for what is under way.
        served.sandbox.stop()
    assert caplog.records == []


def test_numbers_and_nesting_beyond_all_bounds(served: Served) -> None:
    with httpx.Client(base_url=served.sandbox.url, verify=False) as http:
        assert http.get("/", params={"page": "9" * 5000}).status_code == 200
        assert http.get("/_sandbox/journal", params={"last": "9" * 5000}).status_code == 400
        assert http.post("/_sandbox/faults", content="[" * 100_000).status_code == 400
    assert served.json(
        "POST", "/sms/broadcasts", 400, content="[" * 100_000, headers={"Content-Type": "application/json"}
    )
