"""The log of a command that runs for long."""

from __future__ import annotations

import logging

from ac_sms_async.cli.output import printable

__all__ = ["PrintableFormatter"]


class PrintableFormatter(logging.Formatter):
    """Lines in which no text from outside steers a terminal, or looks like another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line itself."""
        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the lines of a traceback below it."""
        return "\n".join(map(printable, super().format(record).split("\n")))
