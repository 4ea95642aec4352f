"""One process of a drill: calls an account for a while, and says when its requests were let go.

python -m tests.budget.sharer '{"url": ..., "loop": "asyncio", "priority": "bulk", "seconds": 10, ...}'
"""

from __future__ import annotations

import json
import math
import sys
from random import Random
from typing import Any

import anyio
import anyio.to_thread

from ac_sms_async import AttemptFinished, BudgetDegraded, Event, RetryPolicy, SMSClient, SMSError
from ac_sms_async.budget.file import clock


async def share(plan: dict[str, Any]) -> dict[str, Any]:
    """For as long as the plan says: `tasks` that call on and on, or one that `thinks` between its calls."""
    until = math.inf
    draw = Random(plan["seed"])
    told: dict[str, Any] = {"priority": plan["priority"], "starts": [], "paced": [], "failed": 0, "gone": 0}

    def note(event: Event) -> None:
        told["gone"] += isinstance(event, BudgetDegraded)
        # Of the first second, in which all begin at once, nothing is known.
        if isinstance(event, AttemptFinished) and clock() > until - plan["seconds"] + 1.5:
            told["paced"].append(event.paced)

    def client() -> SMSClient:
        return SMSClient(
            plan["url"],
            "token",
            budget=plan["budget"],
            priority=plan["priority"],
            retry=RetryPolicy(max_attempts=1),
            on_event=note,
            before_start=lambda: told["starts"].append(clock()),
        )

    async def task(sms: SMSClient) -> None:
        while clock() < until:
            try:
                if draw.random() < plan["cold"]:
                    async with client() as another:
                        await another.credits.get()
                else:
                    await sms.credits.get()
            except SMSError:
                told["failed"] += 1
            if plan["thinks"]:
                await anyio.sleep(draw.expovariate(1 / plan["thinks"]))

    async with client() as sms, anyio.create_task_group() as tasks:
        print("ready", flush=True)
        # All processes begin at once, when they are told to.
        await anyio.to_thread.run_sync(sys.stdin.readline)
        until = clock() + plan["seconds"]
        for _ in range(plan["tasks"]):
            tasks.start_soon(task, sms)
        await anyio.sleep(plan["seconds"])
        tasks.cancel_scope.cancel()
    return told


def main() -> None:
    """Share, and print what came of it."""
    plan = json.loads(sys.argv[1])
    json.dump(anyio.run(share, plan, backend=plan["loop"]), sys.stdout)


if __name__ == "__main__":
    main()
