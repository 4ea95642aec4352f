"""Which backend a client uses, from its options; what doesn't go together is refused before anything is opened."""

from __future__ import annotations

import importlib.util
import ssl
from collections.abc import Callable
from typing import Any

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Backend
from ac_sms_async.transport.backends.httpx import HttpxBackend, is_http_client
from ac_sms_async.transport.backends.own_client import OwnClientBackend
from ac_sms_async.transport.backends.proxies import choose_proxy

__all__ = ["choose_backend"]

USER_AGENT = "ac-sms-async"


def choose_backend(
    address: Address,
    token: str,
    *,
    backend: Any,
    proxy: Any,
    ssl_context: Any,
    trust_env: bool,
    http_client: Any,
) -> Callable[[], Backend]:
    """What makes the backend, once the client knows its event loop."""
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        raise ConfigurationError("ssl_context must be an ssl.SSLContext")
    if backend not in ("httpx", "aiohttp"):
        raise ConfigurationError("backend must be 'httpx' or 'aiohttp'")
    if http_client is not None:
        if not is_http_client(http_client):
            raise ConfigurationError("http_client must be an httpx.AsyncClient")
        if backend != "httpx" or proxy is not None or ssl_context is not None or not trust_env:
            raise ConfigurationError(
                "http_client excludes backend, proxy, ssl_context and trust_env: set them on the client that you pass"
            )
        own_client = http_client
        return lambda: OwnClientBackend(own_client, address, token, user_agent=USER_AGENT)
    proxy = choose_proxy(address, proxy, trust_env=trust_env, socks=backend == "httpx")
    if backend == "httpx":
        return lambda: HttpxBackend(
            address, token, user_agent=USER_AGENT, proxy=proxy, ssl_context=ssl_context, trust_env=trust_env
        )
    if importlib.util.find_spec("aiohttp") is None:
        raise ConfigurationError("backend='aiohttp' needs aiohttp: pip install 'ac-sms-async[aiohttp]'")
    # Imported only here, because most people don't have it.
    from ac_sms_async.transport.backends.aiohttp import AiohttpBackend

    return lambda: AiohttpBackend(
        address, token, user_agent=USER_AGENT, proxy=proxy, ssl_context=ssl_context, trust_env=trust_env
    )
