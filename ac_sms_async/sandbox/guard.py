"""Who may see the page and use /_sandbox: this machine, or whoever has a token, but no web page of somebody else."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from ac_sms_async.sandbox.reply import Reply, json_reply


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refusal(request: Request, tokens: Iterable[str], *, open_to_others: bool) -> Reply | None:
    """None for whoever may; else what they are told."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return json_reply(403, {"message": f"A page of {origin} has no business here."})
    if open_to_others:
        if not _knows(request, tokens):
            text = "It listens to other machines, so this needs an account's token: as Api-Token, or as the password."
            return json_reply(401, {"message": text}, {"WWW-Authenticate": 'Basic realm="sandbox", charset="UTF-8"'})
    elif not _is_this_machine(host):
        # Somebody else's name that was made to point here: a page of that name would read tokens.
        return json_reply(403, {"message": f"The sandbox is not at {host}: use localhost or its address."})
    return None


def host_name(host: str) -> str:
    """The name or address in a Host header, without its port; "?" where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return "?"


def _is_this_machine(host: str) -> bool:
    name = host_name(host)
    try:
        ip_address(name)
    except ValueError:
        return name in ("", "localhost") or name.endswith(".localhost")
    return True


def _knows(request: Request, tokens: Iterable[str]) -> bool:
    given = request.headers.get("api-token") or _password(request.headers.get("authorization", ""))
    return any(secrets.compare_digest(given.encode(), token.encode()) for token in tokens)


def _password(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
