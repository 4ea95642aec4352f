"""The bulk job: collect what an account's broadcasts came to, keep it, export it, show it.

async with SMSClient.from_env() as sms, await open_store("metrics.sqlite") as store:
    result = await collect(sms, store, include={"failures"})
"""

from ac_sms_async.collect.job import collect, collect_accounts
from ac_sms_async.collect.reporter import OnProgress
from ac_sms_async.collect.result import Progress, RunResult, RunStatus
from ac_sms_async.collect.store import Row, Statement, Store, StoreBusyError, StoreError, Value, open_store
from ac_sms_async.collect.window import Detail, Window

__all__ = [
    "Detail",
    "OnProgress",
    "Progress",
    "Row",
    "RunResult",
    "RunStatus",
    "Statement",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Value",
    "Window",
    "collect",
    "collect_accounts",
    "open_store",
]
