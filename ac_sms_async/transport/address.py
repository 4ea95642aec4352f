"""Where an account lives: its URL made regular, its token checked, and the paths that may be asked for there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import frozen

from ac_sms_async.errors import ConfigurationError

__all__ = ["API_PATH", "IF_YOU_MEAN_IT", "Address", "check_path", "check_query", "check_token", "is_host_of"]

API_PATH = "/api/3"

IF_YOU_MEAN_IT = "pass allow_insecure_http=True if you mean it"
"""What to do about http://, said to who writes Python; others say what is to be done where they are configured."""
_WHERE = "copy it from ActiveCampaign under Settings > Developer, as in https://your-account.api-us1.com"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)+")
_UNSAFE = re.compile(r'[\\?#"<>^`{|}]')
_VISIBLE = re.compile(r"[!-~]+")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@frozen
class Address:
    """The base of an account's API.

    `origin` is scheme, host and port (`https://acme.api-us1.com`), `prefix` the path below which the API lies (mostly
    empty), `base` both of them and `/api/3`.
    """

    scheme: str
    host: str
    port: int | None
    prefix: str

    @property
    def netloc(self) -> str:
        """The value of the Host header: the host, and the port where it isn't the scheme's own."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: the only place the token goes to."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def account(self) -> str:
        """What makes an account: two clients with the same one share its budget."""
        return self.origin + self.prefix

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself."""
        return _is_loopback(self.host)

    @property
    def base(self) -> str:
        """The URL that request paths are appended to."""
        return self.account + API_PATH

    @classmethod
    def parse(cls, url: Any, *, allow_insecure_http: bool = False) -> Address:
        """Read an account's URL as people paste it: with or without `/api/3`, trailing slashes, white space around.

        What is wrong is told without repeating the value, which may be a token in the wrong place.
        """
        if not isinstance(url, str) or not url.strip():
            raise ConfigurationError(f"base_url must be the account's URL: {_WHERE}")
        return cls._parse(url.strip(), allow_insecure_http)

    @classmethod
    def _parse(cls, url: str, allow_insecure_http: bool) -> Address:
        if not _VISIBLE.fullmatch(url) or "\\" in url:
            raise ConfigurationError(
                "base_url holds white space, a backslash or a character outside ASCII; "
                f"write an internationalised host name in its xn-- form, or {_WHERE}"
            )
        scheme, separator, _ = url.partition("://")
        scheme = scheme.lower()
        if not separator or scheme not in _DEFAULT_PORTS:
            raise ConfigurationError(f"base_url must begin with https://; {_WHERE}")
        if "?" in url or "#" in url:
            raise ConfigurationError("base_url must end with its path: leave out the query (?) and the fragment (#)")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            # Brackets that don't close, or a port that is no number.
            host, port = "", None
            parts = urlsplit("https://")
        if "@" in parts.netloc:
            raise ConfigurationError("base_url must not hold a user name or password; pass the token as api_token")
        if ":" in host or re.fullmatch(r"[0-9.]+", host):
            try:
                ip = ipaddress.ip_address(host)
            except ValueError:
                host = ""
            else:
                host = f"[{ip}]" if ip.version == 6 else str(ip)
        elif not _HOST.fullmatch(host):
            host = ""
        if not host or port == 0 or parts.netloc.endswith(":"):
            raise ConfigurationError(f"base_url names no valid host and port; {_WHERE}")
        if scheme == "http" and not _is_loopback(host) and not allow_insecure_http:
            raise ConfigurationError(
                f"base_url is http://, which would send the token in the clear; use https://, or {IF_YOU_MEAN_IT}"
            )
        prefix = parts.path.rstrip("/").removesuffix(API_PATH).rstrip("/")
        if prefix:
            check_path(prefix, name="the path of base_url")
        return cls(scheme, host, None if port == _DEFAULT_PORTS[scheme] else port, prefix)


def is_host_of(host: str, url: str) -> bool:
    """Whether a URL is at this host and port, written as in `sandbox:8080`."""
    return url.partition("://")[2].partition("/")[0].lower() == host.strip().lower()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_path(path: Any, *, name: str = "path") -> str:
    """`path` if it is an absolute path that stays where it says, as in `/sms/broadcasts/3`.

    Refused are whole URLs, `//`, `.` and `..`, encoded slashes, queries, and what could change its meaning on the way.
    """
    if isinstance(path, str) and (_PLAIN_PATH.fullmatch(path) or _stays_put(path)):
        return path
    raise ConfigurationError(
        f"{name} must be an absolute path such as /sms/broadcasts, with no host, query, fragment, empty segment, '..' "
        "or encoded slash; other hosts never get the token"
    )


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "api-token", "authorization", "connection", "cookie", "expect", "host"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
        # A part of an answer would be taken for the whole, and a read for a write.
        *("if-range", "range", "x-http-method", "x-http-method-override", "x-method-override"),
    }
)
_OWN_BEGINNINGS = ("content-", "proxy-")


def check_query(query: Any) -> str:
    """`query` if it is encoded as it stands in a request line, as in `limit=100&offset=0`."""
    if isinstance(query, str) and _VISIBLE.fullmatch(query) and "#" not in query:
        return query
    raise ConfigurationError("a query must be percent-encoded: no white space, no control character, no '#'")


def check_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Headers that are sent beside the transport's own, if they can stand in a request and are none of these."""
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"a header can't be called {name!r}")
        if name.lower() in _OWN_HEADERS or name.lower().startswith(_OWN_BEGINNINGS):
            raise ConfigurationError(f"the header {name} can't be set: it is the client's own to send, or to leave out")
        if value and not _HEADER_VALUE.fullmatch(value):
            raise ConfigurationError(f"the header {name} can't carry that: it takes printable ASCII")
    return headers


def more_headers(known: tuple[tuple[str, str], ...], more: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """`known` and those of a mapping, which take the place of those with the same name."""
    if not isinstance(more, Mapping):
        raise ConfigurationError(f"headers must be a dict such as {{'X-Team': 'billing'}}, not {type(more).__name__}")
    added: list[tuple[str, str]] = []
    for name, value in more.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ConfigurationError("the names and values of headers must be str")
        added.append((name, value))
    return without(known, check_headers(tuple(added))) + tuple(added)


def without(headers: tuple[tuple[str, str], ...], others: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Those headers that aren't among the others, by name."""
    names = {name.lower() for name, _ in others}
    return tuple((name, value) for name, value in headers if name.lower() not in names)


def _stays_put(path: str) -> bool:
    if not path.startswith("/") or not _VISIBLE.fullmatch(path) or _UNSAFE.search(path):
        return False
    # Some servers decode twice, so what is hidden layers deep counts as well.
    decoded = path
    while decoded != (again := unquote(decoded)):
        decoded = again
    segments = decoded[1:].split("/")
    return len(segments) == path.count("/") and all(
        segment not in ("", ".", "..") and "\\" not in segment and segment.isprintable() for segment in segments
    )


def check_token(token: Any) -> str:
    """`token` if it can be an API token: text that can stand in a header. It is never repeated in the error."""
    if not isinstance(token, str) or not token:
        raise ConfigurationError("api_token must be a non-empty str: the key from Settings > Developer")
    if not _VISIBLE.fullmatch(token):
        raise ConfigurationError(
            "api_token holds white space, a control character or a character outside ASCII; "
            "strip it and check that it was copied whole"
        )
    return token
