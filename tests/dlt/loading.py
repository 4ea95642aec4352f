"""Loads of a sandbox by dlt, what they left at the destination, and what the server says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import anyio
import dlt
from dlt.sources import DltSource

from ac_sms_async import SMSClient
from ac_sms_async.dlt import sms_broadcasts
from ac_sms_async.sandbox import Sandbox

TABLES = ("broadcasts", "metrics", "failures", "recipients", "replies", "lists", "credits")
COUNTS = ("sends", "deliveries", "failures", "clicks", "replies", "opt_outs")
COLUMNS = {
    "broadcasts": ("broadcast_id", "name", "status"),
    "metrics": ("broadcast_id", *COUNTS),
    "failures": ("broadcast_id", "error_code", "error_source", "count"),
    "recipients": ("broadcast_id", "contact_id", "name", "deliverability", "clicks", "reply_count", "opt_out"),
    "replies": ("broadcast_id", "contact_id", "position", "message"),
    "lists": ("list_id", "name", "subscriber_count"),
    "credits": ("available",),
}
"""What is compared."""

Rows = list[tuple[Any, ...]]


def everything(sandbox: Sandbox, **options: Any) -> DltSource:
    """The source of a sandbox's first account, with all of its resources."""
    options = {"account": "acme", "rate_limit": None, **options}
    return sms_broadcasts(sandbox.url, sandbox.token, **options).with_resources(*TABLES)


def duckdb_pipeline(folder: Path) -> dlt.Pipeline:
    """A pipeline into a DuckDB of its own."""
    destination = dlt.destinations.duckdb(str(folder / "account.duckdb"))
    return dlt.pipeline("sms", pipelines_dir=str(folder / "work"), destination=destination, dataset_name="sms")


def file_pipeline(folder: Path) -> dlt.Pipeline:
    """A pipeline into files."""
    destination = dlt.destinations.filesystem((folder / "files").as_uri())
    return dlt.pipeline("sms", pipelines_dir=str(folder / "work"), destination=destination, dataset_name="sms")


def select(pipeline: dlt.Pipeline, sql: str) -> Rows:
    with pipeline.sql_client() as client:
        return [tuple(row) for row in client.execute_sql(sql) or ()]


def loaded(pipeline: dlt.Pipeline) -> dict[str, Rows]:
    """What a DuckDB has by now: of metrics and credits the last row of each, of broadcasts those that aren't gone."""
    found: dict[str, Rows] = {}
    for name, columns in COLUMNS.items():
        key = {"metrics": "broadcast_id", "credits": "account"}.get(name)
        last = f"QUALIFY load_number = MAX(load_number) OVER (PARTITION BY {key})" if key else ""
        if name == "broadcasts":
            last = f"WHERE load_number = (SELECT MAX(load_number) FROM {name})"
        found[name] = sorted(select(pipeline, f"SELECT {', '.join(columns)} FROM {name} {last}"), key=repr)
    return found


def file_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """All rows of a table in files."""
    files = sorted((folder / "files" / "sms" / name).glob("*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def said(sandbox: Sandbox) -> dict[str, Rows]:
    """What the server says now."""

    async def ask() -> dict[str, Rows]:
        async with SMSClient(sandbox.url, sandbox.token, rate_limit=None) as sms:
            broadcasts = await sms.broadcasts.list().to_list()
            ids = [each.id for each in broadcasts]
            batch = await sms.metrics.fetch(ids)
            people = [(i, each) for i in ids for each in await sms.recipients.list(i).to_list()]
            return {
                "broadcasts": [(each.id, each.name, each.status) for each in broadcasts],
                "metrics": [(i, *(getattr(each, name) for name in COUNTS)) for i, each in batch.metrics.items()],
                "failures": [
                    (i, each.error_code, each.error_source, each.count)
                    for i in ids
                    for each in await sms.metrics.failures(i)
                ],
                "recipients": [
                    (i, each.id, each.name, each.deliverability, each.clicks, len(each.replies or []), each.opt_out)
                    for i, each in people
                ],
                "replies": [
                    (i, each.id, place, reply.message)
                    for i, each in people
                    for place, reply in enumerate(each.replies or [])
                ],
                "lists": [(each.id, each.name, each.subscriber_count) for each in await sms.lists.list().to_list()],
                "credits": [((await sms.credits.get()).available,)],
            }

    return {name: sorted(rows, key=repr) for name, rows in anyio.run(ask).items()}
