"""Renders the document, corrected by the overlay, with the templates; runs where the generator is installed.

generate.py starts it in an environment of its own: `python -m codegen.render DOCUMENT OUTPUT`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codegen.operations import operations_of
from codegen.overlay import OverlayError, apply
from codegen.shapes import ShapeError, schemas_of

HERE = Path(__file__).parent

# Modules of the generated layer beside those that openapi-python-client knows of.
EXTRA_MODULES = ("base", "operations", "reading", "unset", "writing")


def render(document_path: Path, output: Path) -> list[str]:
    """Writes the generated layer, not yet formatted, to `output`; gives the generator's complaints."""
    tool = importlib.import_module("openapi_python_client")
    settings = importlib.import_module("openapi_python_client.config")
    yaml = importlib.import_module("ruamel.yaml").YAML(typ="safe")

    document: dict[str, Any] = apply(
        json.loads(document_path.read_text("utf-8")), yaml.load((HERE / "overlay.yaml").read_text("utf-8"))
    )
    config = settings.Config.from_sources(
        config_file=settings.ConfigFile.load_from_path(HERE / "config.yaml"),
        meta_type=settings.MetaType.NONE,
        document_source=document_path,
        file_encoding="utf-8",
        overwrite=False,
        output_path=output,
    )
    data = tool.GeneratorData.from_dict(document, config=config)
    if not isinstance(data, tool.GeneratorData):
        return [f"{data.header}: {data.detail}"]
    # `credits` is a builtin of interactive Python, so the generator would name that folder `credits_`.
    data.endpoint_collections_by_tag = {
        tag.rstrip("_"): collection for tag, collection in data.endpoint_collections_by_tag.items()
    }
    project = tool.Project(openapi=data, config=config, custom_template_path=HERE / "templates")
    project.env.undefined = importlib.import_module("jinja2").StrictUndefined
    identifier = project.env.globals["python_identifier"]
    project.env.globals.update(
        operations={operation.module: operation for operation in operations_of(document, identifier)},
        schemas=schemas_of(document, identifier),
        enums={name: schema for name, schema in document["components"]["schemas"].items() if "enum" in schema},
    )
    problems = [f"{error.header}: {error.detail}" for error in project.build()]
    for name in EXTRA_MODULES:
        text = project.env.get_template(f"{name}.py.jinja").render()
        (output / f"{name}.py").write_text(text, encoding="utf-8")
    (output / "py.typed").write_text("", encoding="utf-8")
    return problems


def main(arguments: Sequence[str]) -> str | None:
    """Gives what is wrong, which fails the process, or None."""
    document_path, output = map(Path, arguments)
    try:
        return "\n".join(render(document_path, output)) or None
    except (OverlayError, ShapeError) as error:
        return f"codegen: {error}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
