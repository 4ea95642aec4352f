"""The sandbox and the client's requests, judged by openapi-core: a reading of the document that is not ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from ac_sms_async import SMSClient
from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.routes import OPERATIONS, find_operation
from tests.conformance.every_operation import call_every_operation
from tests.conformance.sandbox_document import sandbox_document
from tests.sandbox.served import Served

HOST = "http://sandbox"
JUDGE = OpenAPI.from_dict(
    sandbox_document(f"{HOST}/api/3"), config=Config(extra_media_type_deserializers={"text/csv": bytes.decode})
)


def judge(request: httpx.Request, answer: httpx.Response) -> str:
    """Hold a request and its answer against the document; gives the operationId."""
    path = request.url.path
    asked = MockRequest(
        HOST,
        request.method.lower(),
        path,
        args={key: request.url.params.get_list(key) for key in request.url.params},
        headers=dict(request.headers),
        data=request.content or None,
        content_type=request.headers.get("content-type", "application/json"),
    )
    JUDGE.validate_request(asked)
    given = MockResponse(
        answer.content,
        status_code=answer.status_code,
        headers=dict(answer.headers),
        content_type=answer.headers["content-type"].partition(";")[0],
    )
    JUDGE.validate_response(asked, given)
    operation, *_ = find_operation(request.method, path.removeprefix("/api/3"))
    assert operation is not None
    return operation.id


class Court(httpx.AsyncBaseTransport):
    """Passes requests on, and judges each with its answer."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport(verify=False)
        self.seen: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = await self._transport.handle_async_request(request)
        whole = httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())
        await answer.aclose()
        self.seen.add(judge(request, whole))
        return whole

    async def aclose(self) -> None:
        await self._transport.aclose()


@asynccontextmanager
async def judged(sandbox: Sandbox) -> AsyncGenerator[tuple[SMSClient, set[str]]]:
    """A client whose every exchange is judged, and the operations that it has called."""
    court = Court()
    async with (
        httpx.AsyncClient(transport=court) as http,
        SMSClient(sandbox.url, sandbox.token, http_client=http, rate_limit=None) as sms,
    ):
        yield sms, court.seen


@pytest.mark.anyio
async def test_every_operation_of_the_client_keeps_to_the_document_and_so_do_the_answers() -> None:
    async with (
        Sandbox(rate_limit=None, clock=Clock(speed=100), recipients=3000) as sandbox,
        judged(sandbox) as (sms, seen),
    ):
        await call_every_operation(sms)
    assert seen == {operation.id for operation in OPERATIONS}


@pytest.mark.parametrize(
    "fault", ["types:form=strings", "types:form=nulls", "dates:form=zero", "unknown_status", "total:form=string"]
)
def test_the_judge_sees_what_is_wrong_with_an_answer(served: Served, fault: str) -> None:
    answer = served.http.get("/sms/broadcasts")
    assert judge(answer.request, answer) == "listBroadcasts"
    served.sandbox.faults.add(f"*:{fault}")
    answer = served.http.get("/sms/broadcasts")
    with pytest.raises(OpenAPIError):
        judge(answer.request, answer)


def test_the_judge_sees_what_is_wrong_with_a_request(served: Served) -> None:
    for query in ({"filters[status]": "archived"}, {"start_date": "yesterday"}, {"limit": "0"}):
        answer = served.http.get("/sms/broadcasts", params=query)
        assert answer.status_code == 422
        with pytest.raises(OpenAPIError):
            judge(answer.request, answer)
