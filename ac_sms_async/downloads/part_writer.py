"""Writing a file in a thread while more of it is read."""

from __future__ import annotations

import anyio.to_thread

from ac_sms_async.downloads.part_file import PartFile
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.tasks import Condition

__all__ = ["PartWriter"]


class PartWriter:
    """Writes one batch in a thread while the next one is read: `run` is a job beside the one that reads.

    Waiting for each batch instead would cost a third of the speed of a fast connection.
    """

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._batch: list[bytes] = []
        self._failure: Exception | None = None
        self._ended = False
        self._changed = Condition()

    async def run(self) -> None:
        """Write what is put, until cancelled."""
        while True:
            while not self._batch:
                await self._changed.wait()
            try:
                await anyio.to_thread.run_sync(self._part.write, self._batch)
            except Exception as error:  # noqa: BLE001 - kept for the one who waits in `drain`
                self._failure = error
            self._batch = []
            self._changed.notify_all()

    def end(self) -> None:
        """`run` has ended: nothing more is written."""
        self._ended = True
        self._changed.notify_all()

    def put(self, pieces: list[bytes]) -> None:
        """Hand over the next batch, after `drain`."""
        self._batch = pieces
        self._changed.notify_all()

    async def drain(self) -> None:
        """Wait until what was put is written. Raises what writing it raised."""
        while self._batch:
            if self._ended:
                raise ConfigurationError("what writes the file was cancelled, as by Task.cancel() on all tasks")
            await self._changed.wait()
        if self._failure is not None:
            raise self._failure
