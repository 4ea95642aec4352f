"""The schema in words is the schema in fact, and its page is up to date."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from ac_sms_async.collect.store import schema_page
from ac_sms_async.collect.store.migrate import migrations
from ac_sms_async.collect.store.schema import TABLES, VIEWS, table
from ac_sms_async.collect.store.schema_page import markdown
from tests.collect.fakes import MemoryStore

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "store-schema.md"


def test_tables_are_as_described() -> None:
    store = MemoryStore()
    connection = store.connection
    built = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert built == {entry.name for entry in TABLES}
    for entry in TABLES:
        columns = connection.execute(f"SELECT name, type, pk FROM pragma_table_info('{entry.name}')").fetchall()
        assert [(name, kind) for name, kind, _ in columns] == [(c.name, c.type) for c in entry.columns], entry.name
        key = sorted((place, name) for name, _, place in columns if place)
        assert tuple(name for _, name in key) == entry.key


def test_pages_name_this_version_of_the_schema() -> None:
    docs = Path(__file__).parents[2] / "docs"
    words = "".join(page.read_text("utf-8") for page in docs.rglob("*.md"))
    assert re.findall(r"this release reads (\d+)", words) == [str(len(migrations()))]


def test_views_are_as_described() -> None:
    store = MemoryStore()
    connection = store.connection
    built = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    assert built == {entry.name for entry in VIEWS}
    for entry in VIEWS:
        columns = connection.execute(f"SELECT name FROM pragma_table_info('{entry.name}')").fetchall()
        assert tuple(name for (name,) in columns) == entry.names


def test_everything_is_explained() -> None:
    for entry in (*TABLES, *VIEWS):
        assert entry.doc.endswith(".")
        for column in entry.columns:
            assert column.doc.endswith("."), column


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "python -m ac_sms_async.collect.store.schema_page > " + str(
        PAGE
    )
    runpy.run_path(schema_page.__file__, run_name="__main__")
    assert capsys.readouterr().out == markdown()


def test_the_queries_on_the_page_run() -> None:
    store = MemoryStore()
    connection = store.connection
    queries = [query for block in re.findall(r"```sql\n(.*?)```", markdown(), re.DOTALL) for query in block.split(";")]
    assert len(queries) > 2
    for query in queries:
        connection.execute(query).fetchall()


def test_unknown_names() -> None:
    with pytest.raises(KeyError):
        table("nonsense")
