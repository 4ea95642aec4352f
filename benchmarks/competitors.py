"""What a user would pick instead, generated on the spot from the vendor's own document, each as one call.

Nothing generated is kept. What cannot be made here is left out, with the reason in `Competitors.missing`.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from attrs import define, field

from benchmarks.server import SMALL_ID

DOCUMENT = Path(__file__).parent.parent / "openapi.json"
TOKEN = "benchmark-token"
Call = Callable[[], Awaitable[object]]


@define
class Calls:
    """One client's two calls: a small object, and a page of 100 broadcasts."""

    small: Call
    page: Call


@define
class Competitors:
    """The generated packages that could be made, and why the others couldn't."""

    folder: Path
    missing: dict[str, str] = field(factory=dict[str, str])

    def generate(self) -> None:
        """Run the generators into the folder, and make what they wrote importable."""
        sys.path.insert(0, str(self.folder))
        self._run("openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none", "--output-path", "opc")
        for library in ("asyncio", "httpx"):
            if shutil.which("java") is None:
                self.missing[f"OpenAPI Generator ({library})"] = "needs Java, which is not on the PATH"
                continue
            package = f"oag_{library}"
            self._run(
                *("openapi-generator-cli", "generate", "-i", DOCUMENT, "-g", "python", "--library", library),
                *("--package-name", package, "-o", f"{package}_project"),
                *("--global-property", "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"),
            )
            shutil.move(self.folder / f"{package}_project" / package, self.folder / package)

    def _run(self, program: str, *arguments: str | Path) -> None:
        binary = Path(sys.executable).with_name(program)
        subprocess.run([binary, *arguments], cwd=self.folder, check=True, capture_output=True)

    @asynccontextmanager
    async def calls(self, url: str) -> AsyncGenerator[dict[str, Calls]]:
        """Every competitor's client, open, by name; `url` is the server's, without /api/3."""
        base = f"{url}/api/3"
        async with AsyncExitStack() as stack:
            found = {
                "httpx": await stack.enter_async_context(raw_httpx(base)),
                "aiohttp": await stack.enter_async_context(raw_aiohttp(base)),
                "openapi-python-client": await stack.enter_async_context(_openapi_python_client(base)),
            }
            for library in ("asyncio", "httpx"):
                name = f"OpenAPI Generator ({library})"
                if name not in self.missing:
                    found[name] = await stack.enter_async_context(_openapi_generator(f"oag_{library}", base))
            yield found

    def decoders(self) -> dict[str, Callable[[Any], object]]:
        """The default generated decoders of a page of broadcasts and of recipients, from parsed JSON."""
        models = importlib.import_module("opc.models")
        return {
            "broadcasts": models.BroadcastListResponse.from_dict,
            "recipients": models.RecipientsResponse.from_dict,
        }


@asynccontextmanager
async def raw_httpx(base: str) -> AsyncGenerator[Calls]:
    """httpx as its own documentation writes it, and untyped JSON."""
    async with httpx.AsyncClient(base_url=base, headers={"Api-Token": TOKEN}) as client:

        async def small() -> object:
            return (await client.get(f"/sms/broadcasts/{SMALL_ID}")).json()

        async def page() -> object:
            return (await client.get("/sms/broadcasts", params={"limit": 100, "offset": 0})).json()

        yield Calls(small, page)


@asynccontextmanager
async def raw_aiohttp(base: str) -> AsyncGenerator[Calls]:
    """aiohttp at its quickest: the bytes of the answer straight to untyped JSON."""
    async with aiohttp.ClientSession(headers={"Api-Token": TOKEN}) as session:

        async def small() -> object:
            async with session.get(f"{base}/sms/broadcasts/{SMALL_ID}") as response:
                return json.loads(await response.read())

        async def page() -> object:
            async with session.get(f"{base}/sms/broadcasts", params={"limit": 100, "offset": 0}) as response:
                return json.loads(await response.read())

        yield Calls(small, page)


@asynccontextmanager
async def _openapi_python_client(base: str) -> AsyncGenerator[Calls]:
    get_broadcast = importlib.import_module("opc.api.broadcasts.get_broadcast")
    list_broadcasts = importlib.import_module("opc.api.broadcasts.list_broadcasts")
    made = importlib.import_module("opc").AuthenticatedClient(
        base_url=base, token=TOKEN, prefix="", auth_header_name="Api-Token"
    )
    async with made as client:

        async def small() -> object:
            return await get_broadcast.asyncio(SMALL_ID, client=client)

        async def page() -> object:
            return await list_broadcasts.asyncio(client=client, limit=100)

        yield Calls(small, page)


@asynccontextmanager
async def _openapi_generator(package: str, base: str) -> AsyncGenerator[Calls]:
    module = importlib.import_module(package)
    configuration = module.Configuration(host=base, api_key={"ApiToken": TOKEN})
    async with module.ApiClient(configuration) as client:
        api = module.BroadcastsApi(client)

        async def small() -> object:
            return await api.get_broadcast(SMALL_ID)

        async def page() -> object:
            return await api.list_broadcasts(limit=100)

        yield Calls(small, page)
