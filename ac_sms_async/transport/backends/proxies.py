"""Which proxy the environment names for an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as httpx does."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies

from ac_sms_async.transport.address import Address

__all__ = ["proxy_for"]


def proxy_for(address: Address) -> str | None:
    """The proxy's URL, or None for a direct connection."""
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
    parts = urlsplit(f"//{name}")
    if ":" in parts.netloc and parts.port != (address.port or (443 if address.scheme == "https" else 80)):
        return False
    name = parts.hostname or ""
    if name.startswith((".", "*.")):
        return host.endswith(name.lstrip("*"))
    return host == name or (name != "localhost" and not separator and host.endswith("." + name))
