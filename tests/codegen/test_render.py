"""The layer as it is rendered: the committed one, byte for byte, and what can't be rendered fails with its place."""

from __future__ import annotations

import copy
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen import generate, render
from codegen.overlay import apply

ROOT = Path(__file__).parents[2]


def document_with(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads((ROOT / "openapi.json").read_text("utf-8"))
    change(document)
    path = folder / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_the_document_gives_the_committed_layer(tmp_path: Path) -> None:
    output = tmp_path / "lowlevel"
    generate.generate(output, Path(sys.executable).parent, generate.run_command, ROOT / "openapi.json")
    assert generate.drift(output, generate.TARGET) == []


def test_the_vendors_own_document_gives_it_too() -> None:
    document = json.loads((ROOT / "openapi.json").read_text("utf-8"))
    own = copy.deepcopy(document)
    del own["info"]["x-generated-from"]
    for item in own["paths"].values():
        for operation in item.values():
            del operation["x-microcks-operation"]
    assert render.render(apply(own, render.overlay())) == render.render(apply(document, render.overlay()))


def test_whatever_the_generator_complains_of_fails(tmp_path: Path) -> None:
    document = document_with(tmp_path, lambda document: document["info"].update(version=[]))
    complaint = render.main([document, str(tmp_path / "lowlevel")])
    assert complaint is not None
    assert "info.version" in complaint
    assert not (tmp_path / "lowlevel").exists()


def test_what_the_generator_would_leave_out_fails(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["components"]["schemas"]["BroadcastList"]["properties"]["subscriber_count"]["default"] = "many"

    complaint = render.main([document_with(tmp_path, change), str(tmp_path / "lowlevel")])
    assert complaint is not None
    assert "/components/schemas/BroadcastList" in complaint


def test_it_is_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = document_with(tmp_path, lambda document: document["paths"].pop("/sms/lists"))
    monkeypatch.setattr(sys, "argv", ["render.py", document, str(tmp_path / "lowlevel")])
    with pytest.raises(SystemExit, match="selects nothing"):
        runpy.run_path(str(ROOT / "codegen" / "render.py"), run_name="__main__")


def test_a_new_operation_that_the_overlay_says_nothing_of_fails_by_name(tmp_path: Path) -> None:
    def add(document: dict[str, Any]) -> None:
        operation = {**document["paths"]["/sms/credits"]["get"], "operationId": "getQuietHours"}
        document["paths"]["/sms/quiet-hours"] = {"get": operation}

    complaint = render.main([document_with(tmp_path, add), str(tmp_path / "lowlevel")])
    assert complaint == (
        "codegen: #/paths/~1sms~1quiet-hours/get (getQuietHours): "
        "the overlay has to give it one tag, the module that it goes to"
    )


def test_a_place_that_the_vendor_took_away_fails_by_its_target(tmp_path: Path) -> None:
    document = document_with(tmp_path, lambda document: document["paths"].pop("/sms/lists"))
    complaint = render.main([document, str(tmp_path / "lowlevel")])
    assert complaint == (
        "codegen: $.paths['/sms/lists'].get selects nothing in the document: "
        "the vendor moved, renamed or removed it, or put it right"
    )
