"""Processes that load, to be killed: `python -m tests.dlt.load_process URL TOKEN FOLDER`.

For each line that it reads it forks one, names its pid, and then what it ended in: dlt takes seconds to be imported.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ac_sms_async.dlt import sms_broadcasts
from tests.dlt.loading import TABLES, duckdb_pipeline


def load(url: str, token: str, folder: str) -> None:
    pipeline = duckdb_pipeline(Path(folder))
    # First what a process that died has left.
    pipeline.run()
    pipeline.run(sms_broadcasts(url, token, account="acme", rate_limit=None).with_resources(*TABLES))


if __name__ == "__main__":
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            load(*sys.argv[1:])
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
