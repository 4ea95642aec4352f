"""How late this machine lets somebody go on who only sleeps: what a drill beside it can't be blamed for.

`python -m tests.budget.canary SECONDS` says so, in JSON.
"""

from __future__ import annotations

import json
import sys
import time

NAP = 0.01


def watch(seconds: float) -> dict[str, float]:
    """The worst of all naps, and how late 95 of 100 were at most."""
    late: list[float] = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        time.sleep(NAP)
        late.append(time.monotonic() - began - NAP)
    late.sort()
    return {"worst": late[-1], "usual": late[int(0.95 * len(late))]}


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    json.dump(watch(float(sys.argv[1])), sys.stdout)
