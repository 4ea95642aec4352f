"""A running sandbox, and a plain client of another make than ours."""

from __future__ import annotations

from typing import Any

import httpx
from attrs import frozen

from ac_sms_async.sandbox import Sandbox


@frozen
class Served:
    """A running sandbox and a client for its first account; paths begin with /sms."""

    sandbox: Sandbox
    http: httpx.Client

    def json(self, method: str, path: str, status: int = 200, /, **options: Any) -> Any:
        answer = self.http.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        return self.json("GET", path, status, params=params)

    def post(self, path: str, status: int = 200, /, **fields: Any) -> Any:
        return self.json("POST", path, status, json=fields)

    def put(self, path: str, status: int = 200, /, **fields: Any) -> Any:
        return self.json("PUT", path, status, json=fields)

    def pages(self, path: str, rows: str, **params: Any) -> list[Any]:
        """All rows of a list, page by page."""
        found: list[Any] = []
        while page := self.get(path, offset=len(found), limit=100, **params)[rows]:
            found += page
        return found
