"""
The vendor's document, with what the sandbox decided where the document says nothing: for validators to judge by.

Run it to print the document: `python tests/conformance/sandbox_document.py > document.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_DOCUMENT = Path(__file__).parents[2] / "openapi.json"
_COLUMNS = ["name", "phone", "sentDate", "clicks", "deliverability", "optOut", "replies"]
_ERROR = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}, "errors": {"type": "array", "items": {"type": "object"}}},
}


def sandbox_document(server: str = "http://127.0.0.1:8080/api/3", lists: int = 12) -> dict[str, Any]:
    """The document as the sandbox understands it, for one that has this many lists."""
    document: dict[str, Any] = json.loads(_DOCUMENT.read_text("utf-8"))
    document["servers"] = [{"url": server}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _document_errors(path, operation)
            for parameter in operation.get("parameters", ()):
                _tighten_parameter(parameter)
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                _tighten_body(document, schema)
    _link_ai_requests(document)
    schemas = document["components"]["schemas"]
    for name in ("BroadcastCreateRequest", "BroadcastUpdateRequest"):
        fields = schemas[name]["properties"]
        # A list that there is not can't be sent to; how many there are depends on the data.
        fields["list_ids"]["items"] |= {"minimum": 1, "maximum": lists}
        fields["sent_to_count"]["minimum"] = 0
    for name, field in schemas["BroadcastUpdateRequest"]["properties"].items():
        # Null clears a field, as elsewhere on the platform.
        if name not in ("name", "body", "status"):
            field["nullable"] = True
    # The account's wall clock without an offset ("Timestamp in CST"): not what date-time means.
    recipient = schemas["Recipient"]["properties"]
    del recipient["sentDate"]["format"]
    del recipient["replies"]["items"]["properties"]["date"]["format"]
    return document


def _document_errors(path: str, operation: dict[str, Any]) -> None:
    statuses = {"403": "The token is wrong", "422": "Something in the query is wrong", "429": "Too many requests"}
    if "requestBody" in operation:
        statuses["400"] = "Something in the body is wrong"
    if "{" in path or "BroadcastUpdate" in json.dumps(operation):
        statuses["404"] = "There is no such thing"
    if operation["operationId"] in ("updateBroadcast", "updateAIBroadcast"):
        statuses |= {"402": "Not enough credits", "404": "No such broadcast", "409": "Not in this state"}
    for status, description in statuses.items():
        operation["responses"][status] = {
            "description": description,
            "content": {"application/json": {"schema": _ERROR}},
        }


def _link_ai_requests(document: dict[str, Any]) -> None:
    # What "Request ID from AI broadcast creation" says, in a way that tools can follow.
    follow = {"operationId": "getAIBroadcastStatus", "parameters": {"Id": "$response.body#/requestId"}}
    for operation in document["paths"]["/sms/broadcasts/ai"].values():
        operation["responses"]["200"]["links"] = {"status": follow}


def _tighten_parameter(parameter: dict[str, Any]) -> None:
    if parameter["name"] == "limit":
        parameter["schema"]["minimum"] = 1
    if parameter["name"] == "offset":
        parameter["schema"]["minimum"] = 0


def _tighten_body(document: dict[str, Any], schema: dict[str, Any]) -> None:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    # A field that nobody knows is a typing error.
    schema["additionalProperties"] = False
    fields = schema["properties"]
    if "engagement" in fields:
        # The document has these words at the same filters of getBroadcastRecipients.
        fields["engagement"]["items"]["enum"] = ["clicks", "replies", "optOuts"]
        fields["deliverability"]["items"]["enum"] = ["deliveries", "failures"]
        fields["order"] |= {
            "properties": {"field": {"type": "string", "enum": _COLUMNS}},
            "additionalProperties": False,
        }


if __name__ == "__main__":
    json.dump(sandbox_document(), sys.stdout, indent=1)
