"""Try the changes that mutmut made: collect the tests once, then fork for each change.

mutmut itself starts pytest anew for each change, runs the tests in no order and waits minutes for those that hang; that
takes hours. Here too the changes are those in `mutants/`, and the tests of a change are those that mutmut saw reach the
function. The outcome stands where `mutmut results` and `mutmut show` read it.

    python -m tests.mutation.run [--seconds 100] [--again] ['ac_sms_async.polling*' ...]
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import os
import signal
import sys
import time
import tomllib
from collections import Counter, deque
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from attrs import define, field, frozen

SURVIVED, KILLED, TIMEOUT, NO_TESTS = 0, 1, 36, 33
"""mutmut's own numbers."""
WORKERS = 4
"""More than there may be cores, as a change that makes the code hang takes time and no processor."""
PATIENCE = 3.0
"""Seconds after which a test hangs, unless 30 times what it takes otherwise is more. At the second look it is 10."""


@frozen
class Look:
    """One process that runs tests on one change."""

    mutant: str
    tests: tuple[pytest.Item, ...]
    rest: tuple[pytest.Item, ...] | None = None
    """At the second look, for which a test that failed runs alone: those to go on with if it failed by chance."""

    @property
    def function(self) -> str:
        return self.mutant.rpartition("__mutmut_")[0]


@define
class Runner:
    """A pytest plugin with a loop of its own. A change is noticed when a test fails on it, and again when run alone."""

    folder: Path
    patterns: list[str]
    seconds: float
    again: bool
    _running: dict[int, tuple[Look, int]] = field(factory=dict[int, tuple[Look, int]])
    _outcomes: dict[str, int] = field(factory=dict[str, int])
    _kills: Counter[tuple[str, str]] = field(factory=Counter[tuple[str, str]])
    _took: dict[str, float] = field(factory=dict[str, float])
    _reach: dict[str, set[str]] = field(factory=dict[str, set[str]])

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        # The same examples each time, and no search for the simplest one that fails.
        settings.register_profile("mutation", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        package = sys.modules["ac_sms_async"].__file__ or ""
        assert Path(package).is_relative_to(self.folder), package
        stats = json.loads((self.folder / "mutmut-stats.json").read_text())
        self._took = stats["duration_by_test"]
        self._reach = {name: set(tests) for name, tests in stats["tests_by_mangled_function_name"].items()}
        gc.collect()
        gc.freeze()
        until = time.monotonic() + self.seconds
        fresh, further = self._fresh(), deque[Look]()
        while True:
            while len(self._running) < WORKERS:
                if not further and time.monotonic() < until and (name := next(fresh, None)):
                    further.append(Look(name, self._tests(name, session.items)))
                if not further:
                    break
                self._start(session, further.popleft())
            if not self._running:
                break
            further += self._wait()
        self._save()
        return True

    def _fresh(self) -> Iterator[str]:
        for meta in sorted(self.folder.rglob("*.meta")):
            for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
                wanted = any(fnmatch.fnmatch(name, pattern) for pattern in self.patterns)
                if wanted and (code is None or (self.again and code == SURVIVED)):
                    yield name

    def _tests(self, mutant: str, items: list[pytest.Item]) -> tuple[pytest.Item, ...]:
        """Those that reach the function: first the quick ones, and those that noticed much in it and elsewhere."""
        function = Look(mutant, ()).function
        reach = self._reach.get(function, set())

        def cost(item: pytest.Item) -> float:
            kills = 20 * self._kills[function, item.nodeid] + self._kills["", item.nodeid]
            return (self._took[item.nodeid] + 0.01) / (1 + kills)

        return tuple(sorted((item for item in items if item.nodeid in reach), key=cost))

    def _start(self, session: pytest.Session, look: Look) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            self._look(session, look, writer)
        os.close(writer)
        self._running[pid] = look, reader

    def _look(self, session: pytest.Session, look: Look, writer: int) -> None:
        """In the process of its own: a byte for each test that begins, and what came of it at the end."""
        os.environ["MUTANT_UNDER_TEST"] = look.mutant
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        patience = PATIENCE if look.rest is None else 10
        for item, following in zip_longest(look.tests, look.tests[1:]):
            os.write(writer, b".")
            signal.setitimer(signal.ITIMER_REAL, max(patience, 30 * self._took[item.nodeid]))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os._exit(KILLED)
        os._exit(SURVIVED)

    def _wait(self) -> list[Look]:
        """Wait for a process to end; what to look at because of it."""
        pid, status = os.wait()
        look, reader = self._running.pop(pid)
        begun = len(os.read(reader, 1 << 16))
        os.close(reader)
        code = os.waitstatus_to_exitcode(status)
        if look.rest is not None:
            if code == SURVIVED:
                return [Look(look.mutant, look.rest)]
            [test] = look.tests
            self._kills.update([("", test.nodeid), (look.function, test.nodeid)])
            self._outcomes[look.mutant] = TIMEOUT if code == -signal.SIGALRM else KILLED
            return []
        if code == SURVIVED:
            self._outcomes[look.mutant] = SURVIVED if look.tests else NO_TESTS
            return []
        suspect = look.tests[begun - 1]
        return [Look(look.mutant, (suspect,), tuple(test for test in look.tests if test is not suspect))]

    def _save(self) -> None:
        for meta in self.folder.rglob("*.meta"):
            content = json.loads(meta.read_text())
            codes = content["exit_code_by_key"]
            codes.update({name: self._outcomes[name] for name in codes if name in self._outcomes})
            meta.write_text(json.dumps(content, indent=4))


def report(folder: Path) -> int:
    """Print a line for each module, and what nobody noticed. How many are left to try."""
    left = 0
    for meta in sorted(folder.rglob("*.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        survivors = [name for name, code in codes.items() if code in (SURVIVED, NO_TESTS)]
        tried = [code for code in codes.values() if code is not None]
        left += len(codes) - len(tried)
        module = meta.relative_to(folder).with_suffix("")
        hung = tried.count(TIMEOUT)
        print(
            f"{module}: {len(tried)} of {len(codes)} tried, {len(survivors)} not noticed, {hung} noticed as they hang"
        )
        for name in survivors:
            print(f"    {name}")
    return left


def main() -> None:
    """Try the changes, and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("patterns", nargs="*", default=["*"])
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no new one after so long")
    parser.add_argument("--again", action="store_true", help="try those once more that nobody noticed")
    given = parser.parse_args()
    options = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]
    folder = Path("mutants").resolve()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    runner = Runner(folder, given.patterns or ["*"], given.seconds, given.again)
    arguments = [*options["pytest_add_cli_args"], *options["pytest_add_cli_args_test_selection"]]
    code = pytest.main(["--rootdir=.", "-p", "no:cacheprovider", "--capture=no", *arguments], plugins=[runner])
    left = report(folder)
    print(f"{left} left to try")
    sys.exit(code)


if __name__ == "__main__":
    main()
