"""The pytest plugin: its fixtures in tests of every kind, and in somebody else's project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ac_sms_async import SMSClient
from ac_sms_async.sandbox import Sandbox


@pytest.mark.anyio
async def test_on_asyncio_and_trio(ac_sms_sandbox: Sandbox, ac_sms_client: Callable[..., SMSClient]) -> None:
    async with ac_sms_client() as sms:
        assert (await sms.credits.get()).available is not None
    assert [entry.operation for entry in ac_sms_sandbox.journal] == ["getSmsCreditData"]


@pytest.mark.asyncio
async def test_with_pytest_asyncio(ac_sms_client: Callable[..., SMSClient]) -> None:
    async with ac_sms_client() as sms:
        assert await sms.broadcasts.list().count() == 50


@pytest.mark.ac_sms_sandbox(broadcasts=3, accounts=["acme", "globex"], faults=["getBroadcast:404"])
@pytest.mark.anyio
async def test_options(ac_sms_sandbox: Sandbox, ac_sms_client: Callable[..., SMSClient]) -> None:
    async with ac_sms_client("globex", rate_limit=None) as sms:
        assert await sms.broadcasts.list().count() == 3
    assert [entry.account for entry in ac_sms_sandbox.journal] == ["globex"]
    assert len(ac_sms_sandbox.faults) == 1


def test_without_any_loop(ac_sms_sandbox: Sandbox) -> None:
    assert ac_sms_sandbox.url.startswith("http://127.0.0.1:")


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # Of all the plugins that are installed here only what is needed: the others take seconds to load.
    plugins = ("-p", "no:cacheprovider", "-p", "pytest_ac_sms")
    command = [sys.executable, "-m", "pytest", "-q", *plugins, *options, "."]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)


APP = """
async def announce(sms, name, body):
    draft = await sms.broadcasts.create(name=name, body=body, list_ids=[1])
    return await sms.broadcasts.send(draft.id)
"""
TEST = """
import pytest
from ac_sms_async import ServerError
from app import announce

@pytest.mark.anyio
async def test_it_is_sent_once_even_if_the_answer_is_lost(ac_sms_sandbox, ac_sms_client):
    ac_sms_sandbox.faults.add("500", "updateBroadcast", applied=True)
    async with ac_sms_client() as sms:
        with pytest.raises(ServerError) as caught:
            await announce(sms, "Sale", "20% off")
    assert caught.value.maybe_applied
    assert len(ac_sms_sandbox.journal.of("updateBroadcast")) == 1

@pytest.mark.ac_sms_sandbox(unknown=1)
def test_wrong_option(ac_sms_sandbox):
    pass
"""


def test_in_somebody_elses_project(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_app.py").write_text(TEST)
    ended = run_pytest(tmp_path, "-p", "anyio.pytest_plugin", "--strict-markers")
    assert "2 passed, 1 error" in ended.stdout, ended.stdout
    assert "unexpected keyword argument 'unknown'" in ended.stdout


def test_it_is_in_nobodys_way_without_the_extra(tmp_path: Path) -> None:
    # As if Starlette were not installed: the plugin loads all the same, and says what is missing where it is used.
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError('no', name='starlette')")
    (tmp_path / "test_app.py").write_text("def test_a(): pass\ndef test_b(ac_sms_sandbox): pass\n")
    ended = run_pytest(tmp_path)
    assert "1 passed, 1 error" in ended.stdout, ended.stdout + ended.stderr
    assert "pip install 'ac-sms-async[sandbox]'" in ended.stdout


def test_what_is_not_there_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import ac_sms_async.sandbox as package

    with pytest.raises(AttributeError, match="no attribute 'Sandpit'"):
        _ = package.Sandpit

    def fail(name: str) -> Any:
        raise ModuleNotFoundError("gone", name="something_else")

    monkeypatch.setattr(package, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="gone"):
        _ = package.Clock


def test_it_brings_nothing_until_a_fixture_is_used() -> None:
    """Pytest loads it in every run of everybody who has the client installed."""
    seen = "import sys, pytest; before = {*sys.modules}; import pytest_ac_sms; print(sorted({*sys.modules} - before))"
    ended = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert ended.stdout == "['pytest_ac_sms']\n"
