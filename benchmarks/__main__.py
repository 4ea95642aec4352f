"""`python -m benchmarks`: measure everything, print a table, write a JSON result."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    rows_accounts,
    rows_budget,
    rows_calls,
    rows_concurrency,
    rows_decode,
    rows_export,
    rows_metrics,
    rows_start,
)
from benchmarks.competitors import Competitors
from benchmarks.lab import Lab
from benchmarks.report import Figure, surroundings, text_table, write_json
from benchmarks.server import load_server, pin_to_core

ROWS: Final[dict[str, Callable[[Lab], Coroutine[Any, Any, list[Figure]]]]] = {
    "small": rows_calls.small_calls,
    "page": rows_calls.pages,
    "decode": rows_decode.decode,
    "concurrency": rows_concurrency.concurrency,
    "prefetch": rows_concurrency.prefetch,
    "accounts": rows_accounts.accounts,
    "budget": rows_budget.machine_budget,
    "metrics": rows_metrics.metrics,
    "export": rows_export.export,
    "records": rows_export.records,
    "import": rows_start.imports,
    "second-client": rows_start.second_client,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"only these: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: rough numbers, soon")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/result.json"), help="where the JSON goes")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    pin_to_core(0)
    around = surroundings()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, load_server() as server:
        competitors = Competitors(Path(folder))
        competitors.generate()
        for name, reason in competitors.missing.items():
            print(f"left out: {name} {reason}", file=sys.stderr)
        lab = Lab(server, competitors, Path(folder), quick=options.quick)
        for name in options.rows or ROWS:
            began = time.monotonic()
            measured = asyncio.run(ROWS[name](lab))
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
            figures += measured
    print(text_table(figures))
    write_json(options.output, figures, around | {"left_out": competitors.missing, "quick": options.quick})
    return 0


if __name__ == "__main__":
    sys.exit(main())
