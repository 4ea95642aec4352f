"""What makes an answer of bytes: httptools' parser, and what it leaves to be looked after. It does no I/O.

The one file that imports httptools.
"""

from __future__ import annotations

import httptools

from ac_sms_async.transport.backends.headers import is_framed

__all__ = ["Answer", "AnswerParser", "BadAnswerError"]

_LONGEST_HEAD = 356 * 1024
"""As generous as httpx: 100 KB of headers, beside what else one read from the socket brings."""


class BadAnswerError(Exception):
    """It is no HTTP, or it was cut."""


class Answer:
    """One answer, as far as it has come. Its status is 0 until its headers are complete."""

    __slots__ = ("done", "framed", "headers", "keeps_alive", "method", "pieces", "status")

    def __init__(self, method: str) -> None:
        self.method: str = method
        self.status: int = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        """What has come of the body, and nobody has taken yet."""
        self.framed: bool = False
        self.done: bool = False
        self.keeps_alive: bool = False


class AnswerParser:
    """The answers on one connection, one after the other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_size = 0
        self.answer: Answer = Answer("")
        self.answer.done = True
        self.unasked: bool = False
        """Whether something has come that is no part of an answer to a request."""

    def expect(self, method: str) -> Answer:
        """The answer to a request that is about to be written."""
        self._head_size = 0
        self.answer = Answer(method)
        return self.answer

    def feed(self, data: bytes) -> None:
        """What came; b"" where the connection has ended. A `BadAnswerError` if that can't be an answer's."""
        answer = self.answer
        if answer.done:
            self.unasked = self.unasked or bool(data)
        elif not data:
            if not answer.status or answer.framed:
                raise BadAnswerError("the server closed the connection")
            answer.done = True
        else:
            if not answer.status:
                self._head_size += len(data)
                if self._head_size > _LONGEST_HEAD:
                    raise BadAnswerError("the answer's headers are too long")
            problem = ""
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                problem = str(error) or type(error).__name__
            if problem and self.answer.done:
                # It stands behind the answer, which is whole.
                self.unasked = True
            elif problem:
                raise BadAnswerError(f"the answer is no HTTP: {problem}")

    # httptools calls these by their names.

    def on_message_begin(self) -> None:
        """Another answer begins."""
        self.unasked = self.unasked or self.answer.done

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which isn't one."""
        answer = self.answer
        if not answer.status:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            answer.headers[key] = f"{answer.headers[key]}, {text}" if key in answer.headers else text

    def on_headers_complete(self) -> None:
        """The body follows, or another answer after an informational one."""
        answer = self.answer
        if answer.done:
            return
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            answer.headers = {}
            return
        answer.status = status
        answer.framed = is_framed(answer.method, status, answer.headers)
        # The parser can't be told that no body follows.
        answer.done = answer.method == "HEAD"

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self.answer.done:
            self.unasked = True
        else:
            self.answer.pieces.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        answer = self.answer
        if answer.status and not answer.done:
            answer.done = True
            answer.keeps_alive = self._parser.should_keep_alive()
