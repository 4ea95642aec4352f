"""The report: one page that shows what was sent and what came of it."""

from ac_sms_async.collect.report.data import ReportData
from ac_sms_async.collect.report.page import render_report
from ac_sms_async.collect.report.reader import load_report

__all__ = ["ReportData", "load_report", "render_report"]
