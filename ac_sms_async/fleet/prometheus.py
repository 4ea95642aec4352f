"""The fleet's status in Prometheus's text format, for its node exporter's textfile collector or a page of your own."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ac_sms_async.fleet.status import FleetStatus

__all__ = ["prometheus_text"]


@frozen
class _Metric:
    name: str
    kind: str
    help: str
    samples: Iterable[tuple[dict[str, str], float]]

    def lines(self) -> Iterable[str]:
        yield f"# HELP ac_sms_fleet_{self.name} {self.help}"
        yield f"# TYPE ac_sms_fleet_{self.name} {self.kind}"
        for labels, value in self.samples:
            inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"ac_sms_fleet_{self.name}{'{' + inside + '}' if inside else ''} {value}"


def prometheus_text(status: FleetStatus) -> str:
    """`status` as Prometheus reads it: text format 0.0.4, in UTF-8."""
    accounts = status.accounts
    metrics = [
        _Metric("workers", "gauge", "Workers that are alive.", [({}, status.workers)]),
        _Metric(
            "jobs",
            "gauge",
            "Jobs by status.",
            [({"status": name}, number) for name, number in status.jobs.items()],
        ),
        _Metric(
            "upkeep_failed",
            "gauge",
            "1 where the fleet's own upkeep failed when it was last tried.",
            [({"task": task}, 1) for task in status.upkeep_failed],
        ),
        _Metric(
            "account_state",
            "gauge",
            "1 for the state that an account is in.",
            [({"account": account.name, "state": account.state}, 1) for account in accounts],
        ),
        _Metric(
            "account_last_success_timestamp_seconds",
            "gauge",
            "When an account was last collected to the end.",
            [
                ({"account": account.name}, account.last_success_at.timestamp())
                for account in accounts
                if account.last_success_at is not None
            ],
        ),
        _Metric(
            "account_lag_seconds",
            "gauge",
            "Seconds since an account was last collected to the end, or since it was added.",
            [({"account": account.name}, account.lag) for account in accounts],
        ),
        _Metric(
            "account_failure",
            "gauge",
            "1 where an account's last job failed, with the class of the error.",
            [({"account": account.name, "reason": account.reason}, 1) for account in accounts if account.reason],
        ),
        _Metric(
            "requests_total",
            "counter",
            "Requests that an account's finished jobs have made.",
            [({"account": account.name}, account.requests) for account in accounts],
        ),
        _Metric(
            "rows_total",
            "counter",
            "Rows that an account's finished jobs have collected.",
            [({"account": account.name}, account.rows) for account in accounts],
        ),
    ]
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
