"""What is handed to openapi-python-client and what is done with what it makes, with a stand-in for it."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from codegen import render

ROOT = Path(__file__).parents[2]


class FakeData:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.endpoint_collections_by_tag = {"credits_": "collection", "lists": "other"}

    @staticmethod
    def from_dict(document: dict[str, Any], *, config: Any) -> Any:
        if document["info"]["version"] == "broken":
            return SimpleNamespace(header="Failed to parse", detail="version")
        return FakeData(document)


class FakeTemplate:
    def __init__(self, name: str) -> None:
        self.name = name

    def render(self) -> str:
        return f"# {self.name}\n"


class FakeProject:
    made: FakeProject

    def __init__(self, *, openapi: FakeData, config: Any, custom_template_path: Path) -> None:
        FakeProject.made = self
        self.openapi, self.config, self.templates = openapi, config, custom_template_path
        self.env = SimpleNamespace(globals={"python_identifier": str.lower}, undefined=None, get_template=FakeTemplate)

    def build(self) -> list[Any]:
        self.config.output_path.mkdir()
        if self.openapi.document["info"]["version"] == "odd":
            return [SimpleNamespace(header="WARNING", detail="odd")]
        return []


class FakeConfigFile:
    @staticmethod
    def load_from_path(path: Path) -> Any:
        return yaml.safe_load(path.read_text("utf-8"))


class FakeConfig:
    @staticmethod
    def from_sources(**settings: Any) -> Any:
        return SimpleNamespace(**settings)


class FakeYAML:
    def __init__(self, typ: str) -> None:
        assert typ == "safe"

    def load(self, text: str) -> Any:
        return yaml.safe_load(text)


@pytest.fixture(autouse=True)
def generator(monkeypatch: pytest.MonkeyPatch) -> None:
    def install(name: str, **members: Any) -> None:
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)

    install("openapi_python_client", GeneratorData=FakeData, Project=FakeProject)
    install(
        "openapi_python_client.config",
        Config=FakeConfig,
        ConfigFile=FakeConfigFile,
        MetaType=SimpleNamespace(NONE="none"),
    )
    install("ruamel")
    install("ruamel.yaml", YAML=FakeYAML)
    install("jinja2", StrictUndefined="strict")


def document_with(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads((ROOT / "openapi.json").read_text("utf-8"))
    change(document)
    path = folder / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_the_layer_is_rendered_with_what_the_templates_need(tmp_path: Path) -> None:
    output = tmp_path / "lowlevel"
    assert render.main([str(ROOT / "openapi.json"), str(output)]) is None
    assert sorted(path.name for path in output.iterdir()) == [
        "base.py",
        "operations.py",
        "py.typed",
        "reading.py",
        "unset.py",
        "writing.py",
    ]
    assert (output / "reading.py").read_text("utf-8") == "# reading.py.jinja\n"
    project = FakeProject.made
    assert project.config.config_file == {"literal_enums": True, "post_hooks": []}
    assert project.config.overwrite is False
    assert project.env.undefined == "strict"
    assert project.templates == ROOT / "codegen" / "templates"
    assert project.openapi.endpoint_collections_by_tag == {"credits": "collection", "lists": "other"}
    assert project.env.globals["operations"]["getsmscreditdata"].path == "/sms/credits"
    assert project.env.globals["schemas"]["Recipient"].response is True
    assert "BroadcastStatus" in project.env.globals["enums"]
    assert len(project.env.globals["operations"]) == 17


@pytest.mark.parametrize(("version", "complaint"), [("broken", "Failed to parse: version"), ("odd", "WARNING: odd")])
def test_whatever_the_generator_complains_of_fails(tmp_path: Path, version: str, complaint: str) -> None:
    document = document_with(tmp_path, lambda document: document["info"].update(version=version))
    assert render.main([document, str(tmp_path / "lowlevel")]) == complaint


def test_it_is_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = document_with(tmp_path, lambda document: document["info"].update(version="odd"))
    monkeypatch.setattr(sys, "argv", ["render.py", document, str(tmp_path / "lowlevel")])
    with pytest.raises(SystemExit, match="WARNING: odd"):
        runpy.run_path(str(ROOT / "codegen" / "render.py"), run_name="__main__")


def test_a_new_operation_that_the_overlay_says_nothing_of_fails_by_name(tmp_path: Path) -> None:
    def add(document: dict[str, Any]) -> None:
        operation = {**document["paths"]["/sms/credits"]["get"], "operationId": "getQuietHours"}
        document["paths"]["/sms/quiet-hours"] = {"get": operation}

    complaint = render.main([document_with(tmp_path, add), str(tmp_path / "lowlevel")])
    assert complaint == (
        "codegen: GET /sms/quiet-hours: the overlay has to give it one tag, the folder that it goes to"
    )


def test_a_place_that_the_vendor_took_away_fails_by_its_target(tmp_path: Path) -> None:
    document = document_with(tmp_path, lambda document: document["paths"].pop("/sms/lists"))
    complaint = render.main([document, str(tmp_path / "lowlevel")])
    assert complaint == "codegen: $.paths['/sms/lists'].get selects nothing in the document"
