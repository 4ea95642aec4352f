"""`ac-sms doctor`: what is wrong, in plain words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs
import click
from attrs import evolve

from ac_sms_async import SMSClient
from ac_sms_async.cli.advice import advice
from ac_sms_async.cli.budget import desk_for
from ac_sms_async.cli.command import Command
from ac_sms_async.cli.connection import Connection, connection, connection_options
from ac_sms_async.cli.deep import Answer, ask, report
from ac_sms_async.cli.output import Output, json_option, output, printable
from ac_sms_async.cli.running import run_async
from ac_sms_async.client import budget_of_environment
from ac_sms_async.errors import (
    APIStatusError,
    AuthenticationError,
    BudgetUnavailableError,
    ConfigurationError,
    RateLimitedError,
    SMSError,
)
from ac_sms_async.transport.events import AttemptFinished, Event

__all__ = ["Finding", "doctor"]

_SIGNS = {"ok": "ok  ", "problem": "FAIL", "skipped": "-   "}
_ACCESS = "URL and token"
_EXPECTED_RATE = 5
_SHARING = (
    "processes of this user share it that see this folder; containers need AC_SMS_BUDGET_DIR on a common volume, or "
    "PostgreSQL or Redis"
)


@attrs.frozen
class Finding:
    """What one check found, and what to do about it."""

    check: str
    outcome: Literal["ok", "problem", "skipped"]
    detail: str
    advice: str | None = None


_EXAMPLES = """\b
Examples:
  ac-sms doctor
  ac-sms doctor --deep --json > report.json     what is worth sending in to the project: nothing in it is personal
"""
_WRONG_TOKEN = "made-up-by-ac-sms-doctor"  # noqa: S105 - no account has it


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option(
    "--deep", is_flag=True, help="Then ask what is not known of the API, by reading (and with a made-up token once)."
)
@connection_options
@json_option
def doctor(deep: bool) -> int:
    """Check that this account can be worked with: URL, token, permissions, rate. Changes nothing, sends nothing."""
    out, examination = output(), _Examination(connection())

    async def examine() -> bool:
        # In one event loop, so that all requests are of one budget.
        findings = await examination.examine()
        failed = any(finding.outcome == "problem" for finding in findings)
        # With both, JSON is the report alone: the findings name the account.
        if failed or not (deep and out.as_json):
            _show(out, findings)
        if deep and not failed:
            _show_report(out, await examination.ask(), examination.rate_limit)
        return failed

    return 1 if run_async(examine) else 0


class _Examination:
    def __init__(self, given: Connection) -> None:
        self._given = given
        self._findings: list[Finding] = []
        self._last: AttemptFinished | None = None

    async def examine(self) -> list[Finding]:
        """Run all checks, each as far as the one before lets it."""
        try:
            client = self._given.client(on_event=self._notice)
        except ConfigurationError as error:
            return [Finding(_ACCESS, "problem", error.message)]
        async with client as sms:
            if await self._try("credits", lambda: self._credits(sms)):
                await self._try("broadcasts", lambda: self._broadcasts(sms))
                await self._try("lists", lambda: self._lists(sms))
                await self._try("metrics", lambda: self._metrics(sms))
        first = self._access(client.transport.base_url)
        asked, self._findings = self._findings, [first]
        await self._budget(client)
        if first.outcome == "ok":
            self._findings += asked
            self._rate()
        return self._findings

    def _access(self, url: str) -> Finding:
        """Whether URL and token lead into the account: where every question was refused, that is what is wrong."""
        if any(finding.outcome == "ok" for finding in self._findings):
            return Finding(_ACCESS, "ok", f"{url} takes the token")
        refused = self._findings[0]
        return Finding(_ACCESS, "problem", f"{url}: {refused.detail}", refused.advice)

    async def ask(self) -> list[Answer]:
        """What the account says about the guesses of the sandbox."""
        async with self._given.client() as sms, evolve(self._given, token=_WRONG_TOKEN).client() as stranger:
            return await ask(sms, stranger)

    @property
    def rate_limit(self) -> int | None:
        """How many requests a second the server allows, where it said so."""
        return None if self._last is None else self._last.rate_limit

    async def _try(self, check: str, work: Callable[[], Awaitable[str]]) -> bool:
        """Run a check; returns whether it makes sense to go on."""
        try:
            self._note(check, "ok", await work())
        except SMSError as error:
            self._findings.append(Finding(check, "problem", error.message, advice(error)))
            # Without permission for one thing, others may work; without a connection or a token, nothing will.
            return isinstance(error, APIStatusError) and not isinstance(error, AuthenticationError | RateLimitedError)
        return True

    async def _credits(self, sms: SMSClient) -> str:
        found = await sms.credits.get()
        return "the number left is unknown" if found.available is None else f"{found.available:,} left"

    async def _broadcasts(self, sms: SMSClient) -> str:
        count = await sms.broadcasts.list().count()
        return "can be read" if count is None else f"can be read: {count:,}"

    async def _lists(self, sms: SMSClient) -> str:
        count = await sms.lists.list().count()
        return "can be read" if count is None else f"can be read: {count:,}"

    async def _metrics(self, sms: SMSClient) -> str:
        found = await sms.metrics.snapshot()
        return "can be read" if found.sends is None else f"can be read: {found.sends:,} messages sent so far"

    async def _budget(self, client: SMSClient) -> None:
        kept = client.transport.budget
        if kept == "loop":
            self._note("budget", "ok", "this process's alone: others that use this account are not counted")
            return
        try:
            # What is shown of a database lacks what is needed to get in.
            scope = kept if kept == "machine" else budget_of_environment().get("budget") or kept
            seen = await desk_for(scope, client.transport.account).show()
        except (BudgetUnavailableError, ConfigurationError) as error:
            hint = f"A call doesn't fail for it, but others are no longer counted. {_SHARING}"
            self._findings.append(Finding("budget", "problem", error.message, hint))
        else:
            who = f"in {seen.kept_in}; {_SHARING}" if kept == "machine" else f"in {seen.kept_in}, by all that name it"
            self._note("budget", "ok", f"shared {who}")

    def _rate(self) -> None:
        last = self._last
        if last is None or last.rate_limit is None:
            self._note("rate", "skipped", "the server doesn't say how many requests it allows; we keep to 5 a second")
        elif last.rate_limit < _EXPECTED_RATE:
            text = f"the server allows {last.rate_limit} requests a second, fewer than the usual {_EXPECTED_RATE}"
            hint = "Expect pauses: the client obeys the server's 429."
            self._findings.append(Finding("rate", "problem", text, hint))
        else:
            took = f"; the last answer took {last.duration:.2f} s"
            self._note("rate", "ok", f"the server allows {last.rate_limit} requests a second{took}")

    def _notice(self, event: Event) -> None:
        if isinstance(event, AttemptFinished):
            self._last = event

    def _note(self, check: str, outcome: Literal["ok", "problem", "skipped"], detail: str) -> None:
        self._findings.append(Finding(check, outcome, detail))


def _show(out: Output, findings: list[Finding]) -> None:
    if out.as_json:
        out.data([attrs.asdict(finding) for finding in findings])
        return
    given = None
    for finding in findings:
        click.echo(f"{_SIGNS[finding.outcome]}  {finding.check:<14}{printable(finding.detail)}")
        if finding.advice is not None and finding.advice != given:
            click.echo(f"{'':20}{finding.advice}")
        given = finding.advice


def _show_report(out: Output, answers: list[Answer], rate_limit: int | None) -> None:
    if out.as_json:
        out.data(report(answers, rate_limit))
        return
    click.echo("\nWhat is guessed of the API, and what it does here (worth sending in: nothing of this is personal)")
    rows = [(answer.guess, answer.sandbox, answer.found, answer.holds, answer.how) for answer in answers]
    out.table(["Guess", "Sandbox", "Here", "Holds", "Seen"], rows)
