"""Which backend a client uses, from its options; what doesn't go together is refused before anything is opened."""

from __future__ import annotations

import functools
import importlib.util
import ssl
from collections.abc import Callable
from typing import Any

from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.address import Address
from ac_sms_async.transport.backends import Backend
from ac_sms_async.transport.backends.cancel_safe import module_of
from ac_sms_async.transport.backends.httpx import HttpxBackend, own_client
from ac_sms_async.transport.backends.proxies import choose_proxy
from ac_sms_async.version import __version__

__all__ = ["choose_backend"]

USER_AGENT = f"ac-sms-async/{__version__}"


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
    if backend == "aiohttp":
        raise ConfigurationError(
            "backend='aiohttp' has gone, and backend='httptools' is faster (pip install 'ac-sms-async[speedups]'); for "
            "aiohttp's connections pass http_client=httpx.AsyncClient(transport=httpx_aiohttp.AiohttpTransport())"
        )
    if backend not in ("httpx", "httptools"):
        raise ConfigurationError("backend must be 'httpx' or 'httptools'")
    if http_client is not None:
        if module_of(http_client, "AsyncClient") is None:
            raise ConfigurationError("http_client must be an httpx.AsyncClient or an httpx2.AsyncClient")
        if backend != "httpx" or proxy is not None or ssl_context is not None or not trust_env:
            raise ConfigurationError(
                "http_client excludes backend, proxy, ssl_context and trust_env: set them on the client that you pass"
            )
        return functools.partial(HttpxBackend, address, token, user_agent=USER_AGENT, client=http_client)
    proxy = choose_proxy(address, proxy, trust_env=trust_env, direct=backend == "httptools")
    if backend == "httpx":
        make_client = functools.partial(own_client, proxy, ssl_context, trust_env=trust_env)
        return functools.partial(HttpxBackend, address, token, user_agent=USER_AGENT, make_client=make_client)
    if importlib.util.find_spec("httptools") is None:
        raise ConfigurationError("backend='httptools' needs httptools: pip install 'ac-sms-async[speedups]'")
    # Imported only here, because not everybody has it.
    from ac_sms_async.transport.backends.httptools import HttptoolsBackend

    return functools.partial(
        HttptoolsBackend, address, token, user_agent=USER_AGENT, ssl_context=ssl_context, trust_env=trust_env
    )
