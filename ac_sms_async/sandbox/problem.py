"""Refusals, in the words and forms that the real server is known to use."""

from __future__ import annotations

from typing import Any

FORBIDDEN = "Forbidden, you are not authorized to access this resource. Check your API Key"


class Problem(Exception):
    """An answer that is not a success: its status and its JSON body."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers: dict[str, str] = headers or {}


def forbidden(status: int) -> Problem:
    """A wrong or missing token."""
    return Problem(status, {"message": FORBIDDEN})


def not_found(kind: str, identifier: object, status: int) -> Problem:
    """The platform says it in these words, with 404 and at times with 403."""
    return Problem(status, {"message": f"No Result found for {kind} with id {identifier}"})


def no_route(path: str) -> Problem:
    return Problem(404, {"message": f'No route found for "{path}"'})


def not_allowed(allowed: list[str]) -> Problem:
    return Problem(405, {"message": "Method Not Allowed"}, {"Allow": ", ".join(allowed)})


def too_many(seconds: str) -> Problem:
    return Problem(429, {"message": "Rate limit exceeded."}, {"Retry-After": seconds})


def conflict(message: str) -> Problem:
    """The broadcast is not in a state in which that can be done."""
    return Problem(409, {"message": message})


def payment_required(needed: int, available: int) -> Problem:
    return Problem(402, {"message": f"Not enough SMS credits: {needed} needed, {available} available."})


def bad_query(message: str) -> Problem:
    """Something in the query: 422 with one message, like `Invalid order direction: "DASC"` of the platform."""
    return Problem(422, {"message": message})


def bad_body(errors: list[tuple[str, str, str]]) -> Problem:
    """Something in the body: 400, the status that the document names, with one error a field (pointer, code, title)."""
    return Problem(
        400,
        {
            "message": "Invalid request data",
            "errors": [
                {"title": title, "detail": "", "code": code, "source": {"pointer": pointer}}
                for pointer, code, title in errors
            ],
        },
    )
