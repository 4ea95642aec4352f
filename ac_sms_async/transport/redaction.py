"""Texts and bytes without the token, should a server have sent it back."""

from __future__ import annotations

import json
import re
from typing import overload

__all__ = ["Redaction"]

_SHORT = 8
"""Tokens shorter than that, as tests have them, are parts of words: they go only where they stand alone."""


class Redaction:
    """Puts `***` in the place of the token, as it is and as JSON may write it."""

    def __init__(self, token: str) -> None:
        written = json.dumps(token)[1:-1]
        forms = "|".join(re.escape(form) for form in dict.fromkeys((token, written, written.replace("/", "\\/"))))
        pattern = rf"(?<!\w)(?:{forms})(?!\w)" if len(token) < _SHORT else forms
        self._text = re.compile(pattern, re.ASCII)
        self._bytes = re.compile(pattern.encode())

    @overload
    def __call__(self, text: str) -> str: ...
    @overload
    def __call__(self, text: bytes) -> bytes: ...
    def __call__(self, text: str | bytes) -> str | bytes:
        return self._text.sub("***", text) if isinstance(text, str) else self._bytes.sub(b"***", text)
