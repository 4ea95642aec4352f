"""The command where streams are closed, full or of another encoding, and with text that others chose."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast
from unittest import mock

import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ac_sms_async import __main__ as entry
from ac_sms_async.cli.advice import advice
from ac_sms_async.cli.log import PrintableFormatter
from ac_sms_async.cli.output import Output, printable
from ac_sms_async.cli.streams import prepare_streams
from ac_sms_async.errors import ConfigurationError, NotFoundError, RequestInfo
from ac_sms_async.private_file import read_private
from ac_sms_async.sandbox import Sandbox
from tests.cli.conftest import Command

EXAMPLES = 1000 if os.environ.get("AC_SMS_DEEP") else 60

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What no output may hold: tabs and ends of lines are our own."""

SCRIPTS = [
    "Promotion\N{NO-BREAK SPACE}: 20\N{NARROW NO-BREAK SPACE}%",
    "東京\N{IDEOGRAPHIC SPACE}セール",
    "می\N{ZERO WIDTH NON-JOINER}خواهم",
    "क्\N{ZERO WIDTH JOINER}ष",
    "👨\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧",
]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What comes of a line of a shell with the command in it as `$AC`."""
    ac = f"{shlex.quote(sys.executable)} -m ac_sms_async"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$AC", ac)], capture_output=True, check=False, timeout=60, env=environment
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("$AC completion bash > /dev/full", 1, b"error: cannot read or write: No space left on device\n"),
        ("$AC completion bash >&-", 1, b"error: cannot read or write: Bad file descriptor\n"),
        ("$AC --help > /dev/full", 1, b"error: cannot read or write: No space left on device\n"),
        ("$AC completion nope 2>&-", 2, b""),
        ("$AC completion nope 2> /dev/full", 2, b""),
        ("$AC credits <&- >&- 2>&-", 2, b""),
        ("$AC credits --json > /dev/full", 1, b"error: cannot read or write: No space left on device\n"),
        ("$AC metrics - <&-", 2, b"no ids were given"),
        ("$AC broadcasts send 3 <&-", 2, b"nobody is there to be asked"),
    ],
)
def test_streams_that_are_closed_or_full(line: str, code: int, said: bytes) -> None:
    ran = shell(line)
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False), ran.stderr
    assert said in ran.stderr
    assert said or not ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(("streams", "code"), [("> /dev/full", 1), (">&-", 1), ("2>&-", 0), ("2> /dev/full", 0)])
def test_what_is_collected_stays(sandbox: Sandbox, tmp_path: Path, streams: str, code: int) -> None:
    access = sandbox.accounts["acme"]
    database = tmp_path / "it.sqlite"
    there = {"ACTIVECAMPAIGN_URL": access.url, "ACTIVECAMPAIGN_API_TOKEN": access.token}
    ran = shell(f"$AC collect --db {shlex.quote(str(database))} {streams} <&-", **there)
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False), ran.stderr
    assert (b"What was fetched is kept." in ran.stderr) == (code == 1)
    exported = shell(f"$AC export --db {shlex.quote(str(database))}", PYTHONIOENCODING="ascii")
    assert (exported.returncode, len(exported.stdout.splitlines())) == (0, 13)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_an_ignored_interrupt_stays_ignored() -> None:
    code = (
        "import os, signal, anyio\n"
        "from ac_sms_async.cli.running import run_async\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "async def work():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await anyio.sleep(0.05)\n"
        "    return 'went on'\n"
        "print(run_async(work))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.stdout, ran.stderr) == ("went on\n", "")


def test_an_interrupt_while_the_command_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name == "ac_sms_async.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "ac_sms_async.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 130


class Stream(io.TextIOWrapper):
    """A stream of the process, and what was written to it."""

    def __init__(self, encoding: str, *, full: bool = False, terminal: bool = False) -> None:
        self.written = _Full() if full else io.BytesIO()
        self.terminal = terminal
        self.cp1252 = encoding == "cp1252"
        super().__init__(self.written, encoding=encoding)

    def isatty(self) -> bool:
        return self.terminal


class _Full(io.BytesIO):
    def write(self, data: object, /) -> int:
        raise OSError(28, "No space left on device")


def streams() -> st.SearchStrategy[Stream | None]:
    """A stream of any kind, or none."""
    return st.none() | st.builds(
        Stream, st.sampled_from(["utf-8", "cp1252", "ascii"]), full=st.booleans(), terminal=st.booleans()
    )


ODD = st.text(
    st.characters() | st.sampled_from("\x00\x07\t\n\r\x1b\x7f\x9b\u2028\u202e\u2069\ud800\udfff\u200d\u00a0"),
    max_size=8,
)
RIGHT = [
    ["completion", "bash"],
    ["--help"],
    ["collect", "--help"],
    ["--version"],
    ["fleet", "key"],
    ["store", "--help"],
]
WRONG: list[list[str]] = [
    *([["metrics", "-"], ["metrics", "ODD"], ["metrics", "9" * 5000], ["broadcasts", "show", "ODD"], ["ODD"]]),
    *([["--ODD"], ["collect", "--horizon", "9" * 5000], ["collect", "--horizon", "ODD"], ["credits", "--url", "ODD"]]),
    *([["broadcasts", "list", "--status", "ODD"], ["collect", "--since", "ODD"], ["collect", "--include", "xODD"]]),
    *([["collect", "--accounts", "noneODD"], ["credits", "--json"], ["credits", "--token-file", "noneODD"]]),
    *([["broadcasts", "send", "3"], ["broadcasts", "send", "3", "--at", "ODD"], ["export", "--table", "ODD"]]),
    *([["report", "--nosuchODD"], ["store", "ODD"], ["completion", "ODD"], ["fleet", "status", "--ODD"]]),
    *([["broadcasts", "list", "--since", "2026-02-01", "--until", "2026-01-01"], ["doctor", "ODD"], ["ai", "ODD"]]),
]
EMPTY = dict.fromkeys(("ACTIVECAMPAIGN_URL", "ACTIVECAMPAIGN_API_TOKEN", "ACTIVECAMPAIGN_API_TOKEN_FILE"), "")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([*((words, 0) for words in RIGHT), *((words, 2) for words in WRONG)]),
    ODD,
    st.none() | st.binary(max_size=20),
    streams(),
    streams(),
)
@example((["metrics", "9" * 5000], 2), "", None, Stream("ascii"), Stream("ascii"))
@example((["collect", "--horizon", "9" * 5000], 2), "", None, Stream("ascii"), Stream("ascii"))
@example((["--ODD"], 2), "\x9b\ud800\u202e", None, Stream("cp1252", terminal=True), Stream("cp1252", terminal=True))
@example((["completion", "bash"], 0), "", None, Stream("ascii", full=True), Stream("ascii", full=True))
@example((["completion", "bash"], 0), "", None, None, None)
def test_any_ground_and_any_text(
    beside: None,
    words: tuple[list[str], int],
    odd: str,
    given_in: bytes | None,
    out: Stream | None,
    err: Stream | None,
) -> None:
    arguments = [word.replace("ODD", odd.replace("\x00", "") + "?") for word in words[0]]
    stdin = None if given_in is None else io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + given_in + b"x"), "ascii")
    made: list[IO[str]] = []
    fdopen = cast("Callable[..., IO[str]]", os.fdopen)

    def remember(*arguments: Any, **options: Any) -> IO[str]:
        made.append(fdopen(*arguments, **options))
        return made[-1]

    with (
        mock.patch("os.fdopen", remember),
        mock.patch.multiple(sys, stdin=stdin, stdout=out, stderr=err, argv=["ac-sms", *arguments]),
        mock.patch.dict(os.environ, EMPTY),
        pytest.raises(SystemExit) as ended,
    ):
        entry.main()
    for opened in made:
        with suppress(OSError):
            opened.close()
    lost = (out is None or isinstance(out.written, _Full)) and (words[1] == 0 or "--json" in arguments)
    assert ended.value.code == (1 if lost else words[1])
    for stream in (out, err):
        if stream is not None:
            # For a terminal of ascii click takes UTF-8: such a terminal is one whose locale isn't set.
            said = stream.written.getvalue().decode("cp1252" if stream.terminal and stream.cp1252 else "utf-8")
            assert not STEERING.search(said)


@settings(max_examples=EXAMPLES, deadline=None)
@given(ODD)
@example("\x9b2J\x1b]0;x\x07")
@example("\ud83d")
@example("\u202egnp")
@example("{")
def test_what_servers_say_steers_nothing(text: str) -> None:
    for terminal in (False, True):
        out, err = Stream("utf-8", terminal=terminal), Stream("utf-8", terminal=terminal)
        with mock.patch.multiple(sys, stdout=out, stderr=err):
            shown = Output(as_json=False)
            shown.table(["Name"], [(text,)])
            shown.say(text)
            logged = logging.StreamHandler(sys.stderr)
            logged.setFormatter(PrintableFormatter("%(levelname)s: %(message)s"))
            try:
                raise ValueError(text)
            except ValueError as error:
                logged.handle(logging.LogRecord("x", 40, "x", 1, "%s", (error,), sys.exc_info()))
            sys.stdout.flush()
            before = len(out.written.getvalue())
            shown.data({text: text})
        said = [stream.written.getvalue().decode() for stream in (out, err)]
        # What makes a table's head bold is our own.
        assert not STEERING.search("".join(said).replace("\x1b[1m", "").replace("\x1b[0m", ""))
        # The log's own line is one, whatever the text.
        assert len([line for line in said[1].split("\n") if line.startswith("ERROR: ")]) == 1
        assert json.loads(out.written.getvalue()[before:]) == {text: text}


def test_stderr_keeps_its_number() -> None:
    """Who writes to it beside us, such as a child or Python's fault handler, asks for that."""
    reading, writing = os.pipe()
    with (
        os.fdopen(reading),
        os.fdopen(writing, "w") as pipe,
        mock.patch.multiple(sys, stdin=io.StringIO(), stdout=io.StringIO(), stderr=pipe),
    ):
        prepare_streams()
        assert sys.stderr.fileno() == writing


@pytest.mark.parametrize("text", SCRIPTS)
def test_text_in_any_script(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_utf_8_where_nobody_looks_at_a_terminal(encoding: str) -> None:
    out, terminal = Stream(encoding), Stream(encoding, terminal=True)
    for stream in (out, terminal):
        with mock.patch.multiple(sys, stdin=Stream(encoding, terminal=True), stdout=stream, stderr=Stream(encoding)):
            prepare_streams()
            Output(as_json=False).table(["Name"], [("東京\x1b",)])
    assert out.written.getvalue().decode() == "Name\n東京\N{REPLACEMENT CHARACTER}\n"
    assert b"??" in terminal.written.getvalue()


def test_streams_that_are_not_of_the_system() -> None:
    ours = io.StringIO(), io.StringIO(), io.StringIO()
    with mock.patch.multiple(sys, stdin=ours[0], stdout=ours[1], stderr=ours[2]):
        prepare_streams()
        assert (sys.stdin, sys.stdout, sys.stderr) == ours


def test_a_byte_order_mark(ac_sms: Command, sandbox: Sandbox, tmp_path: Path) -> None:
    access = sandbox.accounts["acme"]
    token, accounts = tmp_path / "token", tmp_path / "accounts.toml"
    token.write_text(f"\ufeff{access.token}\r\n", encoding="utf-8")
    token.chmod(0o600)
    accounts.write_text(f'\ufeff[accounts.acme]\nurl = "{access.url}"\ntoken_file = "token"\n', encoding="utf-8")
    assert ac_sms("credits", "--url", access.url, "--token-file", "token").code == 0
    assert ac_sms("collect", "--quiet", "--accounts", str(accounts)).code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_mounted_secrets_have_the_mode_they_were_mounted_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("it")
    secret.chmod(0o444)
    with pytest.raises(ConfigurationError, match=f"secret can be read or changed by others: chmod 600 {secret}"):
        read_private(secret)
    with monkeypatch.context() as docker:
        docker.setattr("ac_sms_async.private_file._SECRETS", tmp_path)
        assert read_private(secret) == "it"
    with monkeypatch.context() as kubernetes:
        kubernetes.setattr(os, "statvfs", mock.Mock(return_value=SimpleNamespace(f_flag=os.ST_RDONLY)))
        assert read_private(secret) == "it"


def test_wrong_usage_in_words_of_the_command(acme: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, said in (
        (("credits", "--url", "http://acme.example"), "the URL is http://"),
        (("credits", "--url", "acme"), "the URL must begin with https://"),
        (("broadcasts", "list", "--status", "bogus"), "'bogus' is not one of"),
        (("collect", "--status", "bogus"), "'bogus' is not one of"),
        *(
            ((*command, "--since", "2026-02-01", "--until", "2026-01-01"), "--since (2026-02-01) is after --until")
            for command in (("collect",), ("broadcasts", "list"), ("metrics", "1"))
        ),
    ):
        ran = acme(*words)
        assert ran.code == 2, ran
        assert said in ran.err
        assert not re.search("base_url|api_token|allow_insecure_http|start_date", ran.err)


def test_advice_after_a_stop_keeps_what_was_fetched(ac_sms: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ac_sms_async.cli.main.cli.main", mock.Mock(side_effect=click.Abort))
    for words, again in ((("--fresh",), ""), (("--db", "x.sqlite", "--fresh"), " --db x.sqlite")):
        ran = ac_sms("collect", *words)
        assert (ran.code, ran.err.splitlines()[-1]) == (130, f"  ac-sms collect{again}")


def test_advice_about_a_number_that_is_not_there() -> None:
    there = NotFoundError("no", status=404).about(RequestInfo("GET", "/sms/broadcasts/999"), attempts=1)
    assert "URL" not in str(advice(there))
    assert "URL" in str(advice(NotFoundError("no", status=404)))
