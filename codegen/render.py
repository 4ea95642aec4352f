"""Renders the document, corrected by the overlay, with the templates; runs where the generator is installed.

generate.py starts it in an environment of its own: `python -m codegen.render DOCUMENT OUTPUT`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client import TEMPLATE_FILTERS
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.strings import ClassName, PythonIdentifier
from ruamel.yaml import YAML

from codegen.inline import in_one_form
from codegen.keywords import ShapeError
from codegen.operations import Operation, operations_of, sent_schemas
from codegen.overlay import OverlayError, apply
from codegen.shapes import Enumeration, Schema, enums_of, schemas_of

HERE = Path(__file__).parent

# Modules of the generated layer that are the same whatever the document says, but for the list of operations.
MODULES = ("base", "client", "errors", "operations", "reading", "types", "unset", "writing")


class Refused(ValueError):
    """openapi-python-client can't read something, or would leave it out."""


def identifier(name: str) -> str:
    """The Python name of a wire name; brackets part words as anything else does."""
    return str(PythonIdentifier(_words(name), ""))


def class_name(name: str) -> str:
    """The name of a class that is called after a wire name."""
    return str(ClassName(_words(name), ""))


def _words(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name).strip("_")


@cache
def overlay() -> dict[str, Any]:
    """Our corrections to the document."""
    reader: Any = YAML(typ="safe")
    loaded: dict[str, Any] = reader.load((HERE / "overlay.yaml").read_text("utf-8"))
    return loaded


@cache
def _templates() -> Environment:
    environment = Environment(  # noqa: S701 - it is Python that is made, and filters that quote for it
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(TEMPLATE_FILTERS)
    environment.filters["python_identifier"] = identifier
    return environment


@dataclass(frozen=True, slots=True)
class Description:
    """What the templates are told of a document."""

    document: dict[str, Any]
    """In one form"""
    operations: list[Operation]
    schemas: dict[str, Schema]
    enums: dict[str, Enumeration]


def describe(document: dict[str, Any]) -> Description:
    """Reads a (corrected) document; what it holds beside what is read is an error."""
    document = in_one_form(document, class_name)
    operations = operations_of(document, identifier)
    schemas = schemas_of(document, identifier, sent_schemas(operations, document))
    return Description(document, operations, schemas, enums_of(document))


def render(document: dict[str, Any]) -> dict[str, str]:
    """The files of the generated layer that a (corrected) document makes, by name, not yet formatted."""
    told = describe(document)
    _parse(told.document)

    def text(template: str, **names: Any) -> str:
        return _templates().get_template(f"{template}.py.jinja").render(**names)

    files = {f"{name}.py": text(name, operations=told.operations) for name in MODULES}
    files["__init__.py"] = text("package_init", version=told.document["info"]["version"])
    files["py.typed"] = ""
    files["api/__init__.py"] = text("api_init")
    for tag, group in groupby(sorted(told.operations, key=lambda one: one.tag), key=lambda one: one.tag):
        files[f"api/{tag}.py"] = text("api_module", tag=tag, operations=list(group))
    for name, schema in told.schemas.items():
        files[f"models/{identifier(name)}.py"] = text("model", schema=schema)
    for name, enum in told.enums.items():
        files[f"models/{identifier(name)}.py"] = text("literal_enum", enum=enum)
    files["models/__init__.py"] = text("models_init", names=sorted([*told.schemas, *told.enums]))
    return files


def _parse(document: dict[str, Any]) -> None:
    """What the generator's own parser complains of, or would leave out, is an error."""
    config = Config.from_sources(
        config_file=ConfigFile.load_from_path(HERE / "config.yaml"),
        meta_type=MetaType.NONE,
        document_source=HERE,
        file_encoding="utf-8",
        overwrite=False,
        output_path=HERE,
    )
    data = GeneratorData.from_dict(document, config=config)
    if isinstance(data, GeneratorError):
        raise Refused(f"{data.header}: {data.detail}")
    problems = [*data.errors]
    for collection in data.endpoint_collections_by_tag.values():
        problems += collection.parse_errors
    if problems:
        raise Refused("\n".join(f"{problem.header}: {problem.detail}" for problem in problems))


def main(arguments: Sequence[str]) -> str | None:
    """Gives what is wrong, which fails the process, or None."""
    document_path, output = map(Path, arguments)
    try:
        files = render(apply(json.loads(document_path.read_text("utf-8")), overlay()))
    except (OverlayError, ShapeError, Refused) as error:
        return f"codegen: {error}"
    for name, text in files.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
