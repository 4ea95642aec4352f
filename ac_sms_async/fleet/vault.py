"""Tokens at rest: encrypted with a key that the database never sees."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.fleet.errors import FleetError, WorkerUnfitError
from ac_sms_async.private_file import read_private

__all__ = ["KEY", "KEY_FILE", "Vault", "new_key"]

KEY = "AC_SMS_FLEET_KEY"
KEY_FILE = "AC_SMS_FLEET_KEY_FILE"

_WHERE = f"put the key into {KEY}, or into a file named by {KEY_FILE}; `ac-sms fleet key` makes one"


def new_key() -> str:
    """A new key, as text."""
    return Fernet.generate_key().decode()


class Vault:
    """Encrypts tokens and decrypts them. Of several keys the first one encrypts, and any of them decrypts."""

    def __init__(self, *keys: str) -> None:
        """Raises `FleetError` for what is no key."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise FleetError(f"that is no key: {_WHERE}") from None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """With the keys in AC_SMS_FLEET_KEY, or in the file that AC_SMS_FLEET_KEY_FILE names; white space between them.

        Raises `FleetError`.
        """
        text = environment.get(KEY, "")
        if not text and (path := environment.get(KEY_FILE)):
            try:
                text = read_private(Path(path))
            except ConfigurationError as error:
                raise WorkerUnfitError(error.message) from None
        if not text.split():
            raise WorkerUnfitError(f"there is no key: {_WHERE}")
        return cls(*text.split())

    def lock(self, url: str, token: str) -> bytes:
        """The token encrypted, for this URL only: who can write to the database cannot have it sent elsewhere."""
        return self._fernet.encrypt(json.dumps([url, token]).encode())

    def unlock(self, url: str, sealed: bytes) -> str:
        """The token for this URL. Raises `FleetError`."""
        try:
            value: Any = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise WorkerUnfitError(f"the token of {url} was encrypted with another key, or was changed") from None
        sealed_url, token = value
        if sealed_url != url:
            raise FleetError(f"the token that is kept for {url} was given for another URL; add the account again")
        return str(token)

    def __repr__(self) -> str:
        return "<Vault>"
