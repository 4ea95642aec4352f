"""Metrics of very many broadcasts: what the stream itself costs, beyond reading the answers."""

from __future__ import annotations

from benchmarks.lab import Lab, in_child
from benchmarks.report import Figure


async def metrics(lab: Lab) -> list[Figure]:
    """100,000 ids through `metrics.stream` on a stub backend, in a process of its own, for its memory."""
    ids = 20_000 if lab.quick else 100_000
    measured = in_child("benchmarks.child_metrics", ids, 2 if lab.quick else 5)
    what = f"{ids:,} ids through metrics.stream on a stub backend: "
    return [
        Figure(
            "metrics",
            what + "CPU per id beyond decode",
            measured["cpu_us_per_id"] - measured["decode_us_per_id"],
            unit="us",
            target=5.0,
            bound="at most",
            details=measured,
        ),
        Figure("metrics", what + "memory", measured["memory_mb"], unit="MB", target=5.0, bound="at most"),
        Figure("metrics", what + "memory, ids in random order", measured["memory_shuffled_mb"], unit="MB"),
    ]
