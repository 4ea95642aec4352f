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


_SCHEMES = ("http", "https", "socks5", "socks5h")


def choose_proxy(address: Address, proxy: Any, *, trust_env: bool, direct: bool = False) -> str | None:
    """The proxy's URL, as given or as the environment says; None for a direct connection.

    A wrong one, or any where only `direct` connections are made, is a `ConfigurationError` that says where it came from
    but doesn't repeat it, for proxies' URLs often hold a password.
    """
    name = "proxy"
    if proxy is None:
        found = _from_environment(address) if trust_env else None
        if found is None:
            return None
        name, proxy = found
    if direct:
        raise ConfigurationError(
            f"backend='httptools' makes direct connections only, and there is a proxy ({name}): use backend='httpx'"
            + ("" if name == "proxy" else ", or trust_env=False where the account is reached without it")
        )
    scheme = _scheme(proxy) if isinstance(proxy, str) and proxy.isascii() and proxy.isprintable() else None
    if scheme not in _SCHEMES:
        raise ConfigurationError(
            f"{name} must be a URL such as http://proxy:3128; known schemes: {', '.join(_SCHEMES)}"
        )
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigurationError(f"{name} is a socks proxy, which needs socksio: pip install 'httpx[socks]'")
    return str(proxy)


def _scheme(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy)
        # `http:/proxy` with a scheme put before it would be a host named http.
        whole = parts.path in ("", "/") and not parts.query and not parts.fragment and not parts.netloc.endswith(":")
        return parts.scheme if whole and _HOST.fullmatch(parts.hostname or "") and parts.port != 0 else None
    except ValueError:
        # Brackets that don't close, or a port that is no number.
        return None


def _from_environment(address: Address) -> tuple[str, str] | None:
    """The name of the variable and the URL."""
    if address.scheme == "http" and address.is_loopback:
        # Plain http is for this machine only: a proxy would get the token in the clear, and could not reach it anyway.
        return None
    proxies = getproxies()
    exceptions = [entry.strip().lower() for entry in proxies.get("no", "").split(",")]
    if any(_covers(entry, address) for entry in exceptions if entry):
        return None
    for scheme in (address.scheme, "all"):
        proxy = proxies.get(scheme)
        if proxy:
            return f"{scheme.upper()}_PROXY", proxy if "://" in proxy else f"http://{proxy}"
    return None


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
