"""What the project's files say of each other is true: version, extras, operations, errors, locks."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import ac_sms_async.collect
from ac_sms_async import SMSError

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["project"]
    return table


def test_the_version_is_the_same_everywhere(project: dict[str, Any]) -> None:
    latest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert latest is not None
    assert ac_sms_async.__version__ == latest[1]
    # Said in one place, which the package is built with.
    assert "version" not in project


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_every_extra_is_named(project: dict[str, Any], page: str) -> None:
    text = read(page)
    assert [extra for extra in project["optional-dependencies"] if f"`{extra}`" not in text] == []


def test_every_operation_is_in_the_table_of_the_low_level_layer() -> None:
    document = json.loads(read("openapi.json"))
    operations = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    }
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", read("docs/reference/lowlevel.md"), re.MULTILINE)
    assert {operation for operation, _ in rows} == operations
    for _, place in rows:
        module, _, name = place.partition(".")
        assert hasattr(getattr(importlib.import_module(f"ac_sms_async.lowlevel.api.{module}"), name), "asyncio")


def test_every_error_is_explained() -> None:
    text = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    public = [getattr(ac_sms_async, name) for name in ac_sms_async.__all__]
    errors = [item.__name__ for item in public if isinstance(item, type) and issubclass(item, SMSError)]
    assert [name for name in errors if f"`{name}`" not in text] == []


def test_every_name_of_the_bulk_job_and_every_fixture_is_in_the_reference() -> None:
    shown = re.findall(r"^::: ac_sms_async\.collect\.(\w+)$", read("docs/reference/collect.md"), re.MULTILINE)
    assert sorted(shown) == sorted(ac_sms_async.collect.__all__)
    fixtures = re.findall(r"^@pytest\.fixture\ndef (\w+)\(", read("pytest_ac_sms.py"), re.MULTILINE)
    assert len(fixtures) == 2
    page = read("docs/reference/pytest-plugin.md")
    assert [name for name in fixtures if f"::: pytest_ac_sms.{name}\n" not in page] == []


def test_every_metric_and_attribute_is_documented() -> None:
    names = set(re.findall(r'"((?:ac_sms|http|url|server|error)\.[a-z_.]+)"', read("ac_sms_async/otel.py")))
    page = read("docs/how-to/opentelemetry.md")
    assert len(names) > 15
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_locks_hold_no_host() -> None:
    locks = [*ROOT.glob("*.lock"), *ROOT.glob("*/requirements*.lock")]
    assert len(locks) >= 2
    assert [lock.name for lock in locks if "://" in lock.read_text("utf-8")] == []


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", read("README.md")) if "://" not in target]
    assert len(targets) > 5
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r": ([\w/-]+\.md)$", read("mkdocs.yml"), re.MULTILINE)
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(pages)


def test_every_dependency_is_explained(project: dict[str, Any]) -> None:
    page = read("docs/explanation/dependencies.md")
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[<>=; ]", one, maxsplit=1)[0] for one in wanted} - {project["name"]}
    assert {name for name in names if not re.search(rf"\b{name}\b", page)} == set()
