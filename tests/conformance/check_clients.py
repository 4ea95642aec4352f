"""
The sandbox, driven by clients that other people's generators make of the vendor's document: `make conformance`.

Each is made on the spot, and has a script in `clients/` that calls all 17 operations and looks at the answers. What
can't be made here, for want of Java or Node.js, is left out and said so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import frozen

from ac_sms_async.sandbox import Clock, Sandbox
from ac_sms_async.sandbox.routes import OPERATIONS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "openapi.json"


@frozen
class Client:
    """A command that takes a URL and a token and calls every operation, and where it finds the generated package."""

    command: Sequence[str | Path]
    path: Path

    def drive(self, sandbox: Sandbox) -> subprocess.CompletedProcess[str]:
        run = [*self.command, sandbox.url, sandbox.token]
        env = {**os.environ, "PYTHONPATH": str(self.path), "NO_PROXY": "127.0.0.1"}
        return subprocess.run(run, env=env, capture_output=True, text=True, check=False, timeout=120)


def generate(*command: str | Path, folder: Path) -> None:
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    assert made.returncode == 0, made.stdout + made.stderr


def openapi_python_client(folder: Path, request: pytest.FixtureRequest) -> Client:
    program = Path(sys.executable).with_name("openapi-python-client")
    generate(program, "generate", "--path", DOCUMENT, "--meta", "none", "--output-path", "opc", folder=folder)
    return Client([sys.executable, HERE / "clients/openapi_python_client.py"], folder)


def openapi_generator(folder: Path, request: pytest.FixtureRequest) -> Client:
    # Its jar comes with what the benchmarks compare with.
    program = ROOT / ".venv-bench/bin/openapi-generator-cli"
    if shutil.which("java") is None or not program.exists():
        pytest.skip("Java, or the jar of OpenAPI Generator, is not at hand")
    less = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
    options = ("-g", "python", "--package-name", "oag", "-o", "oag", "--global-property", less)
    generate(program, "generate", "-i", DOCUMENT, *options, folder=folder)
    return Client([sys.executable, HERE / "clients/openapi_generator.py"], folder / "oag")


def hey_api(folder: Path, request: pytest.FixtureRequest) -> Client:
    modules: Path = request.getfixturevalue("modules")
    (folder / "node_modules").symlink_to(modules / "node_modules")
    (folder / "hey_api.ts").write_text((HERE / "clients/hey_api.ts").read_text("utf-8"), "utf-8")
    programs = modules / "node_modules/.bin"
    generate(programs / "openapi-ts", "-i", DOCUMENT, "-o", "hey", "--silent", folder=folder)
    # Types are the half of a client in TypeScript: what doesn't fit doesn't compile.
    strict = ("--strict", "--target", "es2022", "--module", "commonjs", "--esModuleInterop", "--skipLibCheck")
    generate(programs / "tsc", *strict, "--outDir", "made", "hey_api.ts", folder=folder)
    return Client(["node", folder / "made/hey_api.js"], folder)


MAKERS: tuple[Callable[[Path, pytest.FixtureRequest], Client], ...] = (
    openapi_python_client,
    openapi_generator,
    hey_api,
)


@pytest.fixture(scope="module", params=MAKERS, ids=lambda make: make.__name__)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Client:
    made: Client = request.param(tmp_path_factory.mktemp("client"), request)
    return made


def test_it_drives_every_operation(client: Client) -> None:
    with Sandbox(rate_limit=None, clock=Clock(speed=100)) as sandbox:
        ended = client.drive(sandbox)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {entry.operation for entry in sandbox.journal} == {operation.id for operation in OPERATIONS}
    assert [entry.path for entry in sandbox.journal if entry.status is None or entry.status >= 400] == []


@pytest.mark.parametrize("fault", ["unknown_status", "dates:form=zero"])
def test_what_is_their_fault(client: Client, fault: str) -> None:
    """A word or a date that the document lacks costs the Python ones the whole page; JavaScript looks at none."""
    with Sandbox(rate_limit=None, clock=Clock(speed=100), faults=[f"listBroadcasts:{fault}"]) as sandbox:
        ended = client.drive(sandbox)
    script = "hey_api" in str(client.command[-1])
    assert (ended.returncode == 0) == script, ended.stderr
    assert script or sandbox.journal[-1].operation == "listBroadcasts"
