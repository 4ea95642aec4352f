"""The page and /_sandbox are for this machine, or for whoever has a token; never for somebody else's web page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ac_sms_async.sandbox import Sandbox
from ac_sms_async.sandbox.command import describe
from ac_sms_async.sandbox.guard import is_loopback
from tests.sandbox.served import Served

PATHS = ["/", "/_sandbox", "/_sandbox/journal"]


def ask(sandbox: Sandbox, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, sandbox.url + path, headers=given, verify=False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("127.9.9.9", 200),
        ("[::1]:8080", 200),
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("acme.localhost:8080", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8080", 403),
        ("localhost.evil.example", 403),
        ("evillocalhost", 403),
        ("[::1", 403),
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(served: Served, path: str, host: str, status: int) -> None:
    answer = ask(served.sandbox, path, Host=host)
    assert answer.status_code == status
    assert (served.sandbox.token in answer.text) <= (status == 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/_sandbox/reset"), ("POST", "/_sandbox/clock"), ("DELETE", "/_sandbox/faults"), ("GET", "/")],
)
def test_no_other_web_page_controls_it(served: Served, method: str, path: str) -> None:
    served.sandbox.faults.add("503", "getBroadcast")
    own = served.sandbox.url
    for origin in ("https://evil.example", "null", own.replace("http", "https"), own.replace("127.0.0.1", "localhost")):
        assert ask(served.sandbox, path, method, Origin=origin).status_code == 403
    assert len(served.sandbox.faults) == 1
    assert ask(served.sandbox, path, method, Origin=own).status_code in (200, 400)


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"me:{token}".encode()).decode()


@pytest.mark.parametrize("path", PATHS)
def test_where_others_can_reach_it_a_token_is_needed(serve: Callable[..., Served], path: str) -> None:
    sandbox = serve(host="0.0.0.0", accounts=["acme", "globex"]).sandbox
    headers: list[dict[str, str]] = [
        {}, {"Api_Token": "wrong"}, {"Authorization": basic("wrong")}, {"Authorization": f"Bearer {sandbox.token}"},
        {"Authorization": "Basic !"}, {"Authorization": "Basic /w=="}, {"Api_Token": ""},
        {"Authorization": basic(sandbox.token).replace("Basic", "Other")},
        {"Api_Token": "\N{BLACK STAR}"},
    ]  # fmt: skip
    for given in headers:
        raw: Any = {name: value.encode() for name, value in given.items()}
        refused = ask(sandbox, path, **raw)
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        assert sandbox.token not in refused.text
    for access in sandbox.accounts.values():
        assert ask(sandbox, path, Api_Token=access.token, Host="sandbox:8080").status_code == 200
        assert ask(sandbox, path, Authorization=basic(access.token)).status_code == 200
    assert ask(sandbox, path, Api_Token=sandbox.token, Origin="https://evil.example").status_code == 403


def test_the_api_itself_asks_for_tokens_only(serve: Callable[..., Served]) -> None:
    served = serve(host="0.0.0.0")
    headers = {"Host": "sandbox:8080", "Origin": "https://app.example"}
    assert served.json("GET", "/sms/credits", headers=headers)


@pytest.mark.anyio
async def test_whoever_calls_it_as_an_application_is_this_program() -> None:
    sandbox = Sandbox(host="0.0.0.0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox") as http:
        assert (await http.get("/_sandbox")).status_code == 200


def test_who_can_reach_it() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.3.2.1", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.7", "sandbox")] == [False] * 4


def test_what_the_other_side_has_to_set_is_printed() -> None:
    with Sandbox(host="0.0.0.0") as everywhere, Sandbox() as here:
        port = everywhere.url.rpartition(":")[2]
        lines = describe(everywhere).splitlines()
        [line] = [line for line in lines if line.startswith("export ACTIVECAMPAIGN_INSECURE_HOST=")]
        assert line.endswith(f":{port}")
        assert "INSECURE" not in describe(here)
