"""Which account a command talks to, and where its token comes from: never from an argument, which `ps` would show."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from attrs import evolve, field, frozen

from ac_sms_async.cli.advice import in_words
from ac_sms_async.cli.kinds import ZONE
from ac_sms_async.client import INSECURE_HOST_VARIABLE as INSECURE_HOST
from ac_sms_async.client import TOKEN_VARIABLE as TOKEN
from ac_sms_async.client import URL_VARIABLE as URL
from ac_sms_async.client import SMSClient, budget_of_environment, is_trusted
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.options import time_zone
from ac_sms_async.private_file import read_private
from ac_sms_async.transport.address import Address, is_host_of
from ac_sms_async.transport.events import Event

__all__ = ["Connection", "connection", "connection_options", "read_accounts"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

TOKEN_FILE = "ACTIVECAMPAIGN_API_TOKEN_FILE"  # noqa: S105 - the name of a variable

_META = "ac_sms_async.connection"
_WHICH = f"which account? Set {URL}, or give --url (Settings > Developer shows the URL)"
_USUAL_ZONE = "America/Chicago"
_KEYS = {"url", "token", "token_env", "token_file", "timezone"}


@frozen
class Connection:
    """What a client is made of."""

    url: str | None = None
    token_file: Path | None = None
    account: str | None = None
    timezone: str | None = None
    insecure_host: str | None = None
    token: str | None = field(default=None, repr=False)

    def client(self, *, on_event: Callable[[Event], object] | None = None) -> SMSClient:
        """A client of this account. Raises `ConfigurationError` with what to set where something is missing."""
        if not self.url:
            raise ConfigurationError(_WHICH)
        options: dict[str, Any] = {"account": self.account, "timezone": self.timezone, **budget_of_environment()}
        given = {name: value for name, value in options.items() if value is not None}
        token = self.found_token()
        url, given_host = self.url.strip(), self.insecure_host
        insecure = is_host_of(given_host, url) if given_host else is_trusted(url)
        try:
            return SMSClient(self.url, token, on_event=on_event, allow_insecure_http=insecure, **given)
        except ConfigurationError as error:
            raise ConfigurationError(in_words(error.message)) from None

    @property
    def zone(self) -> tzinfo:
        """The zone of the account's calendar. Raises `ConfigurationError`."""
        return time_zone(self.timezone or _USUAL_ZONE)

    def local(self, moment: datetime | None) -> datetime | None:
        """A time on the account's clocks."""
        return None if moment is None else moment.astimezone(self.zone)

    def account_key(self) -> str:
        """What the account's budget is known by: its name, or its URL. Raises `ConfigurationError`."""
        if self.account is not None:
            return self.account
        if not self.url:
            raise ConfigurationError(_WHICH)
        return Address.parse(self.url, allow_insecure_http=True).account

    def found_token(self) -> str:
        """The token: given, from the file, or from the environment."""
        if self.token is not None:
            return self.token
        if self.token_file is not None:
            return read_private(self.token_file).strip()
        token = os.environ.get(TOKEN, "").strip()
        if not token:
            raise ConfigurationError(f"no API token: set {TOKEN}, or put it in a file and give --token-file")
        return token


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    known = connection(context)
    context.meta[_META] = evolve(known, **{parameter.name: value})


def connection_options(command: Decorated) -> Decorated:
    """Gives a command the options that lead to an account; it calls `connection()` to get at them."""
    options: tuple[tuple[str, str, Any, str], ...] = (
        ("--url", URL, str, f"API URL of the account. [{URL}]"),
        (
            "--token-file",
            TOKEN_FILE,
            click.Path(path_type=Path),
            f"File with the API token, for your eyes only. [{TOKEN_FILE}; else the token itself is in {TOKEN}]",
        ),
        ("--account", "", str, "Your own name for the account. Default: from the URL."),
        (
            "--insecure-host",
            INSECURE_HOST,
            str,
            f"Host that may get the token unencrypted, such as sandbox:8080. [{INSECURE_HOST}]",
        ),
        ("--timezone", "", ZONE, f"Days and times without a zone are those of this one. Default: {_USUAL_ZONE}."),
    )
    for name, variable, kind, text in reversed(options):
        command = click.option(
            name, type=kind, envvar=variable or None, help=text, expose_value=False, callback=_remember
        )(command)
    return command


def connection(context: click.Context | None = None) -> Connection:
    """The connection that the options of the running command describe."""
    context = context or click.get_current_context()
    return cast("Connection", context.meta.get(_META, Connection()))


def read_accounts(path: Path) -> list[Connection]:
    """The accounts of a TOML file, in order: for each an `[accounts.NAME]` with `url` and one source of the token.

    A token comes from `token_env` (a variable), `token_file` (beside this file), or `token`, which is taken only from
    a file that nobody else can read. Raises `ConfigurationError`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        accounts: Any = tomllib.loads(text).get("accounts")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from None
    if not isinstance(accounts, dict) or not accounts:
        raise ConfigurationError(f"{path} has no accounts: add a table such as [accounts.acme]")
    return [_account(path, name, entry) for name, entry in cast("dict[str, Any]", accounts).items()]


def _account(path: Path, name: str, entry: Any) -> Connection:
    where = f"[accounts.{name}] in {path}"
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{where} must be a table")
    given = cast("dict[str, Any]", entry)
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise ConfigurationError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}")
    if not all(isinstance(value, str) for value in given.values()) or "url" not in given:
        raise ConfigurationError(f"{where} needs a url, and every value must be text")
    sources = [key for key in ("token", "token_env", "token_file") if key in given]
    if len(sources) != 1:
        raise ConfigurationError(f"{where} needs one of token_env, token_file and token")
    return Connection(
        url=given["url"], account=name, timezone=given.get("timezone"), token=_token(path, where, sources[0], given)
    )


def _token(path: Path, where: str, source: str, given: dict[str, str]) -> str:
    if source == "token_env":
        token = os.environ.get(given["token_env"], "")
        if not token:
            raise ConfigurationError(f"{where}: the variable {given['token_env']} is not set")
    elif source == "token_file":
        token = read_private(path.parent / given["token_file"])
    else:
        read_private(path)
        token = given["token"]
    return token.strip()
