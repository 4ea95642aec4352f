"""The source: where its secrets come from and go to, how it is paced, and what ends a load."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.pipeline.exceptions import PipelineStepFailed

from ac_sms_async import (
    AttemptFinished,
    CallFinished,
    CallStarted,
    ConfigurationError,
    NotFoundError,
    PagingError,
    RetryPolicy,
    ServerError,
)
from ac_sms_async.dlt import sms_broadcasts
from ac_sms_async.sandbox import Sandbox
from tests.dlt.loading import TABLES, everything, file_pipeline, file_rows, said

# Where a load fails, dlt ends its loop while cancelled calls still close their connections, and httpx reads what is
# left of them by a new generator. Python warns that such a loop wouldn't close it; it is closed here all the same.
pytestmark = pytest.mark.filterwarnings(
    "ignore:asynchronous generator .* was scheduled after loop.shutdown_asyncgens:ResourceWarning"
)

ONCE = RetryPolicy(max_attempts=1)
SECTION = "SOURCES__AC_SMS_ASYNC__"


def files(folder: Path) -> Iterator[bytes]:
    yield from (file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("prefix", ["", SECTION])
def test_the_token_is_found_by_name_and_is_nowhere_after_that(
    prefix: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{prefix}ACTIVECAMPAIGN_URL", sandbox.url)
    monkeypatch.setenv(f"{prefix}ACTIVECAMPAIGN_API_TOKEN", sandbox.token)
    source = sms_broadcasts(rate_limit=None, retry=ONCE).with_resources("credits", "lists")
    pipeline = file_pipeline(tmp_path)
    pipeline.run(source, loader_file_format="jsonl")
    assert len(file_rows(tmp_path, "credits")) == 1
    sandbox.faults.add("500", "getSmsCreditData")
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(source)
    trace = pipeline.last_trace
    assert trace is not None
    shown = [repr(source), str(source), source.schema.to_pretty_yaml(), str(caught.value), repr(trace), trace.asstr(2)]
    assert not any(sandbox.token in text for text in shown)
    assert any(b"ac_sms_async" in content or b"sms_broadcasts" in content for content in files(tmp_path))
    assert not any(sandbox.token.encode() in content for content in files(tmp_path))


def test_without_a_token_dlt_says_where_it_was_looked_for() -> None:
    with pytest.raises(ConfigFieldMissingException, match="activecampaign_api_token"):
        sms_broadcasts("https://acme.api-us1.com")


def test_a_horizon_is_a_day_at_least() -> None:
    with pytest.raises(ConfigurationError, match="horizon_days must be at least 1, not 0"):
        sms_broadcasts("https://acme.api-us1.com", "token", horizon_days=0)


def test_people_are_read_only_by_those_who_ask_for_them(sandbox: Sandbox, tmp_path: Path) -> None:
    source = sms_broadcasts(sandbox.url, sandbox.token, rate_limit=None)
    assert set(source.selected_resources) == set(TABLES) - {"recipients", "replies"}
    file_pipeline(tmp_path).extract(source)
    assert not sandbox.journal.of("getBroadcastRecipients")


def test_its_calls_are_bulk_within_the_accounts_budget(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Any] = []
    file_pipeline(tmp_path).extract(everything(sandbox, on_event=events.append))
    attempts = [event for event in events if isinstance(event, AttemptFinished)]
    assert len(attempts) > 10
    assert {event.priority for event in attempts} == {"bulk"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("getBroadcastFailures:500:nth=2", ServerError),
        ("getBroadcastMetrics:500", ServerError),
        ("getBroadcastRecipients:500:nth=3", ServerError),
        ("listBroadcasts:drop:fields=id", PagingError),
        ("listBroadcasts:total:form=high", PagingError),
        ("getBroadcastRecipients:total:form=high", PagingError),
        # Nobody is in the list, but the server counts some.
        ("getBroadcastRecipients:delete:rows=1000 getBroadcastRecipients:total:form=high", PagingError),
        # Gone while its second page was asked for: what came of it isn't all that there was.
        ("getBroadcastRecipients:404:nth=2", NotFoundError),
    ],
)
def test_whatever_cannot_be_read_ends_the_load(
    fault: str, error: type[Exception], sandbox: Sandbox, tmp_path: Path
) -> None:
    pipeline = file_pipeline(tmp_path)
    for one in fault.split():
        sandbox.faults.add(one)
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(everything(sandbox, retry=ONCE))
    causes: list[BaseException] = [caught.value]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    assert any(isinstance(cause, error) for cause in causes)
    assert not pipeline.has_pending_data
    assert not (tmp_path / "files").exists()
    assert "sources" not in pipeline.state


def test_a_broadcast_that_goes_while_it_is_read_ends_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = next(row[0] for row in said(sandbox)["broadcasts"] if row[2] == "draft")
    pipeline = file_pipeline(tmp_path)
    sandbox.faults.add("404", "getBroadcastFailures", nth=1)
    sandbox.faults.add("404", "getBroadcastRecipients", nth=1)
    sandbox.faults.add("refuse_ids", "getBroadcastMetrics", id=draft, status=404)
    pipeline.run(everything(sandbox), loader_file_format="jsonl")
    for name in ("failures", "recipients"):
        assert {row["broadcast_id"] for row in file_rows(tmp_path, name)} == set(range(2, 13)) - {draft}


def test_a_list_that_is_empty_or_whose_total_is_not_named_is_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    pipeline = file_pipeline(tmp_path)
    sandbox.faults.add("delete", "getBroadcastRecipients", rows=1000, nth=1)
    sandbox.faults.add("total", "getBroadcastRecipients", form="missing")
    pipeline.run(everything(sandbox).with_resources("recipients"), loader_file_format="jsonl")
    rows = file_rows(tmp_path, "recipients")
    assert [row.get("emptied") for row in rows if row["broadcast_id"] == 1] == [True]
    people = [(row["broadcast_id"], row["contact_id"]) for row in rows if not row.get("emptied")]
    sandbox.faults.clear()
    assert sorted(people) == sorted(row[:2] for row in said(sandbox)["recipients"])


def test_a_load_that_fails_leaves_no_call_open(sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Any] = []
    sandbox.faults.add("slow", "getBroadcastRecipients", seconds=30)
    sandbox.faults.add("slow", "listBroadcastLists", seconds=0.5)
    sandbox.faults.add("500", "listBroadcastLists")
    with pytest.raises(PipelineStepFailed):
        file_pipeline(tmp_path).extract(everything(sandbox, retry=ONCE, on_event=events.append))
    begun = {event.call_id: event.operation_id for event in events if isinstance(event, CallStarted)}
    assert "getBroadcastRecipients" in begun.values()
    assert begun.keys() == {event.call_id for event in events if isinstance(event, CallFinished)}


def test_a_filter_of_dlts_leaves_out_what_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    source = everything(sandbox)
    source.resources["broadcasts"].add_filter(lambda row: row["broadcast_id"] != 1)
    file_pipeline(tmp_path).extract(source)
    assert sandbox.journal.of("getBroadcastRecipients")
    assert not [entry for entry in sandbox.journal if "/broadcasts/1/" in entry.path]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ac_sms_async.dlt")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dlt", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape("pip install 'ac-sms-async[dlt]'")):
        importlib.import_module("ac_sms_async.dlt")


def test_what_else_is_missing_is_not_blamed_on_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ac_sms_async.dlt")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ac_sms_async.collect.rows", None)
    with pytest.raises(ModuleNotFoundError, match=r"ac_sms_async\.collect\.rows"):
        importlib.import_module("ac_sms_async.dlt")
