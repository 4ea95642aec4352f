"""Whatever happens to an account and to its loads: after one that is whole the destination equals the server."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ac_sms_async import RetryPolicy, SMSClient
from ac_sms_async.sandbox import Clock, Sandbox
from tests.dlt.loading import duckdb_pipeline, everything, loaded, said

COURSES = 60 if os.environ.get("AC_SMS_DEEP") else 1
GONE = frozenset({"broadcasts", "lists", "credits"})
"""Tables of which a broadcast that is gone has no rows in what is compared."""

# See test_source.
pytestmark = pytest.mark.filterwarnings(
    "ignore:asynchronous generator .* was scheduled after loop.shutdown_asyncgens:ResourceWarning"
)


class Course:
    """An account that lives, and its loads, of which some don't come to their end."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._added = 0

    def wait(self, days: int) -> None:
        self._sandbox.clock.advance(days=days)

    def send(self, in_days: int) -> None:
        self._added += 1
        sent = self._sandbox.clock.datetime() + timedelta(days=in_days)
        self._sandbox.add_broadcast(f"Added {self._added}", sent=sent, sends=5 + self._added)

    def delete(self, place: int) -> None:
        async def ask() -> None:
            async with SMSClient(self._sandbox.url, self._sandbox.token, rate_limit=None) as sms:
                found = await sms.broadcasts.list().to_list()
                await sms.broadcasts.delete(found[place % len(found)].id)

        anyio.run(ask)

    def load(self, how: str) -> None:
        if how == "elsewhere":
            # On a machine that knows of the loads before only what the destination tells.
            shutil.rmtree(self._folder / "work", ignore_errors=True)
        pipeline, source = duckdb_pipeline(self._folder), everything(self._sandbox, retry=RetryPolicy(max_attempts=1))
        pipeline.run()
        if how == "is refused":
            self._sandbox.faults.add("500", "getSmsCreditData")
            with pytest.raises(PipelineStepFailed):
                pipeline.run(source)
            self._sandbox.faults.clear()
        elif how == "is cut short":
            pipeline.extract(source)
            pipeline.normalize()
        else:
            pipeline.run(source)

    def check(self) -> None:
        found, truth = loaded(duckdb_pipeline(self._folder)), said(self._sandbox)
        there = {row[0] for row in truth["broadcasts"]}
        for name, rows in found.items():
            assert [row for row in rows if name in GONE or row[0] in there] == truth[name], name


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("send"), st.integers(-1, 20)),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("load"), st.sampled_from(["is whole", "is refused", "is cut short", "elsewhere"])),
)


# A load takes seconds: what fails is shown as it was found, and not made smaller.
@settings(max_examples=COURSES, phases=[Phase.explicit, Phase.generate])
@given(steps=st.lists(STEPS, min_size=4, max_size=6))
def test_after_a_load_the_destination_equals_the_server(steps: list[tuple[str, int | str]]) -> None:
    clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), speed=0)
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(seed=7, broadcasts=8, recipients=20, rate_limit=None, clock=clock) as sandbox,
    ):
        course = Course(sandbox, Path(folder))
        for name, value in steps:
            getattr(course, name)(value)
        course.load("is whole")
        course.check()
