"""The bulk job: collect what an account's broadcasts came to, keep it, export it, show it.

async with SMSClient.from_env() as sms, open_store("metrics.sqlite") as store:
    result = await collect(sms, store, include={"failures"})
"""

from ac_sms_async.collect.export import ExportFormat, export_table, export_workbook
from ac_sms_async.collect.job import collect, collect_accounts
from ac_sms_async.collect.report import ReportData, load_report, render_report
from ac_sms_async.collect.reporter import OnProgress
from ac_sms_async.collect.result import Progress, RunResult, RunStatus
from ac_sms_async.collect.store.opening import open_store
from ac_sms_async.collect.store.protocol import Row, Statement, Store, StoreBusyError, StoreError, Value
from ac_sms_async.collect.window import Detail, Window

__all__ = [
    "Detail",
    "ExportFormat",
    "OnProgress",
    "Progress",
    "ReportData",
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
    "export_table",
    "export_workbook",
    "load_report",
    "open_store",
    "render_report",
]
