"""Which proxy the environment names for an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as httpx does."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.address import Address

__all__ = ["choose_proxy"]

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-f.]*:[0-9a-f:.]*(%[\w-]+)?", re.ASCII)


def choose_proxy(address: Address, proxy: Any, *, trust_env: bool, socks: bool) -> str | None:
    """The proxy's URL, as given or as the environment says; None for a direct connection.

    A wrong one is a `ConfigurationError` that doesn't repeat it, for proxies' URLs often hold a password.
    """
    if proxy is None:
        proxy = _from_environment(address) if trust_env else None
        if proxy is None:
            return None
    schemes = ("http", "https", "socks5", "socks5h") if socks else ("http", "https")
    scheme = _scheme(proxy) if isinstance(proxy, str) and proxy.isascii() else None
    if scheme is None or scheme not in schemes:
        raise ConfigurationError(f"proxy must be a URL such as http://proxy:3128; known schemes: {', '.join(schemes)}")
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigurationError("a socks proxy needs socksio: pip install 'httpx[socks]'")
    return str(proxy)


def _scheme(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy)
        return parts.scheme if _HOST.fullmatch(parts.hostname or "") and parts.port != 0 else None
    except ValueError:
        # Brackets that don't close, or a port that is no number.
        return None


def _from_environment(address: Address) -> str | None:
    if address.scheme == "http" and address.is_loopback:
        # Plain http is for this machine only: a proxy would get the token in the clear, and could not reach it anyway.
        return None
    proxies = getproxies()
    exceptions = [entry.strip().lower() for entry in proxies.get("no", "").split(",")]
    if any(_covers(entry, address) for entry in exceptions if entry):
        return None
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _covers(entry: str, address: Address) -> bool:
    """Whether an entry of NO_PROXY means the address: `*`, a host and its subdomains, `.domain`, an IP, an origin."""
    if entry == "*":
        return True
    scheme, separator, rest = entry.partition("://")
    if separator and scheme not in (address.scheme, "all"):
        return False
    name = rest if separator else entry
    host = address.host.strip("[]")
    try:
        return str(ipaddress.ip_address(name.strip("[]"))) == host
    except ValueError:
        pass
    name, colon, port = name.partition(":")
    if colon and port != str(address.port or (443 if address.scheme == "https" else 80)):
        return False
    if name.startswith((".", "*.")):
        return host.endswith(name.lstrip("*"))
    return host == name or (name != "localhost" and not separator and host.endswith("." + name))
