"""An asyncio worker: takes jobs from a queue, shares one client between them, and ends cleanly.

    export ACTIVECAMPAIGN_URL=... ACTIVECAMPAIGN_API_TOKEN=...
    echo '{"job": "metrics", "broadcast": 42}' | python worker.py

Here the queue is standard input, one JSON object a line; yours may be Redis, SQS or a table. Jobs are `metrics`,
`wait` and `rename` (a write). It shows: many tasks on one client, so that the account's budget holds for all of them;
which errors are worth another try; and a SIGTERM that lets running jobs finish, within limits.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from typing import Any, Literal

from attrs import frozen

from ac_sms_async import (
    ConnectError,
    DeadlineExceededError,
    RateLimitedError,
    ServerError,
    SMSClient,
    SMSError,
    TransportError,
    WaitTimeoutError,
)

TASKS = 4
GRACE = 10.0
"""Seconds that running jobs get after SIGTERM, before they are cancelled."""
TRIES = 3

TEMPORARY = (ConnectError, TransportError, ServerError, RateLimitedError, DeadlineExceededError, WaitTimeoutError)

log = logging.getLogger("worker")


@frozen
class Job:
    """One line of the queue, and how often it was tried."""

    kind: Literal["metrics", "wait", "rename"]
    broadcast: int
    name: str = ""
    tries: int = 0


async def work(sms: SMSClient, job: Job) -> dict[str, Any]:
    """Do one job; what it returns is its result."""
    match job.kind:
        case "metrics":
            found = (await sms.metrics.get([job.broadcast])).get(job.broadcast)
            return {} if found is None else {"clicks": found.clicks, "opt_outs": found.opt_outs}
        case "wait":
            sent = await sms.broadcasts.wait(job.broadcast, until="sent", timeout=60)
            return {"status": sent.status}
        case "rename":
            changed = await sms.broadcasts.update(job.broadcast, name=job.name)
            return {"name": changed.name}


async def take(sms: SMSClient, queue: asyncio.Queue[Job]) -> None:
    """Take jobs from the queue for ever."""
    while True:
        job = await queue.get()
        try:
            report(job, "done", await work(sms, job))
        except SMSError as error:
            if error.maybe_applied:
                # It may have been done: a person or a check must look, a second try could do it twice.
                report(job, "unknown", {"error": str(error)})
            elif isinstance(error, TEMPORARY) and job.tries + 1 < TRIES:
                queue.put_nowait(Job(job.kind, job.broadcast, job.name, job.tries + 1))
            else:
                report(job, "failed", {"error": str(error)})
        except asyncio.CancelledError:
            report(job, "interrupted", {})
            raise
        finally:
            queue.task_done()


def report(job: Job, outcome: str, details: dict[str, Any]) -> None:
    print(json.dumps({"job": job.kind, "broadcast": job.broadcast, "outcome": outcome, **details}), flush=True)


async def read(queue: asyncio.Queue[Job]) -> None:
    """Put the lines of standard input into the queue until it ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    try:
        async for line in lines:
            try:
                given = json.loads(line)
                job = Job(given["job"], given["broadcast"], given.get("name", ""))
            except (ValueError, TypeError, KeyError):
                log.warning("not a job: %r", line)
            else:
                queue.put_nowait(job)
    finally:
        pipe.close()


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    queue: asyncio.Queue[Job] = asyncio.Queue()
    async with SMSClient.from_env() as sms, asyncio.TaskGroup() as group:
        takers = [group.create_task(take(sms, queue)) for _ in range(TASKS)]
        reader = group.create_task(read(queue))
        stopped = group.create_task(stop.wait())
        await asyncio.wait([reader, stopped], return_when=asyncio.FIRST_COMPLETED)
        # Either there is no more to come, or nobody wants it: finish what is here, but not for ever after a signal.
        reader.cancel()
        finished = group.create_task(queue.join())
        await asyncio.wait([finished, stopped], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([finished], timeout=GRACE)
        for task in (*takers, finished, stopped):
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
