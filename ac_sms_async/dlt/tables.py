"""The tables that the source loads: the store's own, column by column, with what a load adds to them."""

from __future__ import annotations

import json
from typing import Any, cast

from dlt.common.data_types import TDataType
from dlt.common.schema.typing import TColumnSchema

from ac_sms_async.collect.rows import Fields
from ac_sms_async.collect.store.schema import table

__all__ = ["columns", "typed"]

_TYPES: dict[str, TDataType] = {
    "TEXT": "text",
    "BIGINT": "bigint",
    "BOOLEAN": "bool",
    "TIMESTAMPTZ": "timestamp",
    "JSONB": "json",
}
_NOT_HERE = ("account", "collected_at", "run_id", "sitting", "erased_at", "changed_at", "first_collected_at")
_NOR = ("s_collected_at", "s_counts")
"""How columns end that tell, as those above, of the store's own runs, and of what it has blanked."""

_LOADED: tuple[TColumnSchema, ...] = (
    {"name": "account", "data_type": "text", "nullable": False},
    {"name": "load_number", "data_type": "bigint", "nullable": False},
    {"name": "collected_at", "data_type": "timestamp", "nullable": False},
)
"""What each row has beside its fields."""

_EMPTIED: TColumnSchema = {"name": "emptied", "data_type": "bool", "hard_delete": True}
"""Where rows come in place of those before: True in a row that only says that those before are no more."""


def columns(name: str, *, replaces: bool = False) -> list[TColumnSchema]:
    """The columns of one of the store's tables as dlt describes them."""
    found: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.type], "description": column.doc}
        for column in table(name).columns
        if column.name not in _NOT_HERE and not column.name.endswith(_NOR)
    ]
    return [*found, *_LOADED, *([_EMPTIED] if replaces else [])]


def typed(name: str, fields: Fields) -> dict[str, Any]:
    """The fields of a row as dlt takes them: JSON as what it says, not as the text that the store keeps."""
    json_columns = {column.name for column in table(name).columns if column.type == "JSONB"}
    return {
        key: json.loads(cast("str", value)) if key in json_columns and value is not None else value
        for key, value in fields.items()
    }
