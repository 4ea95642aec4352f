"""The process's own SSL context, with the authorities that the environment names, or certifi's."""

from __future__ import annotations

import errno
import functools
import os
import ssl

import httpx

from ac_sms_async.errors import ConfigurationError

__all__ = ["default_ssl_context", "unused_ssl_context"]

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def default_ssl_context(trust_env: bool) -> ssl.SSLContext:
    """One for the whole process, because reading the certificates takes 20 to 40 ms.

    With `trust_env` SSL_CERT_FILE or SSL_CERT_DIR say where they are; what can't be read is a `ConfigurationError`.
    """
    name = next((name for name in _VARIABLES if os.environ.get(name)), None) if trust_env else None
    return _context(name, "" if name is None else os.environ[name])


@functools.lru_cache(maxsize=4)
def _context(variable: str | None, path: str) -> ssl.SSLContext:
    try:
        if variable == "SSL_CERT_DIR":
            # Of a folder that isn't there OpenSSL says nothing, and trusts nobody.
            os.listdir(path)  # noqa: PTH208 - a plain str
        context = httpx.create_ssl_context(trust_env=variable is not None)
    except OSError as error:
        known = error.errno in errno.errorcode and not isinstance(error, ssl.SSLError)
        problem = ConfigurationError(
            f"{variable or 'certifi'} names certificates that cannot be read "
            f"({error.strerror if known else 'there are none in PEM form'}): mend it or unset it, or pass ssl_context"
        )
    else:
        context.set_alpn_protocols(["http/1.1"])
        return context
    raise problem


@functools.cache
def unused_ssl_context() -> ssl.SSLContext:
    """For plain http://, where httpx wants one all the same; this one trusts nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
