"""Regeneration as a whole: its environment, the swap, the check for drift; with a stand-in for the programs it runs."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codegen import generate


class Programs:
    """Notes the commands; `codegen.render` writes `files` into the folder that it is given."""

    def __init__(self, files: dict[str, str], fails: str | None = None) -> None:
        self.files, self.fails = files, fails
        self.commands: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> None:
        self.commands.append(list(command))
        if self.fails is not None and self.fails in command:
            raise subprocess.CalledProcessError(3, list(command))
        if "codegen.render" in command:
            for name, text in self.files.items():
                path = Path(command[-1]) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """An environment that is there already."""
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "requirements.lock").write_bytes(generate.LOCK.read_bytes())
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    Programs(files)(["codegen.render", str(folder)])


def main(programs: Programs, built: Path, target: Path, *arguments: str) -> int:
    return generate.main(arguments, run=programs, target=target, environment_folder=built)


def test_it_renders_sorts_imports_and_formats_with_a_configuration_of_its_own(tmp_path: Path, built: Path) -> None:
    programs = Programs({"__init__.py": ""})
    assert main(programs, built, tmp_path / "lowlevel") == 0
    rendered, linted, formatted = programs.commands
    assert rendered[1:4] == ["-m", "codegen.render", str(generate.ROOT / "openapi.json")]
    assert "--isolated" in linted
    assert "--isolated" in formatted
    assert linted[-1] == formatted[-1] == rendered[-1]
    # On the same file system, so that the swap is a rename.
    assert Path(rendered[-1]).parent.parent == tmp_path


def test_the_folder_is_swapped_in_whole(tmp_path: Path, built: Path) -> None:
    target = tmp_path / "lowlevel"
    write(target, {"gone.py": "old", "models/kept.py": "old"})
    assert main(Programs({"models/kept.py": "new", "api/more.py": "new"}), built, target) == 0
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.py")) == [
        "api/more.py",
        "models/kept.py",
    ]
    assert (target / "models/kept.py").read_text("utf-8") == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lowlevel", "venv"]


@pytest.mark.parametrize("step", ["codegen.render", "check", "format"])
def test_a_step_that_fails_leaves_what_stands(tmp_path: Path, built: Path, step: str) -> None:
    target = tmp_path / "lowlevel"
    write(target, {"kept.py": "old"})
    assert main(Programs({"kept.py": "new"}, fails=step), built, target) == 3
    assert (target / "kept.py").read_text("utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lowlevel", "venv"]


def test_the_check_passes_where_nothing_would_change(
    tmp_path: Path, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "lowlevel"
    write(target, {"a.py": "same\n", "b/c.py": "same\n", "__pycache__/a.pyc": "no matter"})
    assert main(Programs({"a.py": "same\n", "b/c.py": "same\n"}), built, target, "--check") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.py": "one\nthree\n"}, ["--- a.py (now)", "+++ a.py (generated)", "-two", "+three"]),
        ({"a.py": "one\ntwo\n", "b.py": ""}, ["b.py: missing here"]),
        ({}, ["+++ (not generated)", "a.py: only here", "nothing.txt: missing here"]),
    ],
)
def test_the_check_fails_on_drift_shows_it_and_changes_nothing(
    tmp_path: Path, built: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], told: list[str]
) -> None:
    target = tmp_path / "lowlevel"
    write(target, {"a.py": "one\ntwo\n"})
    programs = Programs(files or {"nothing.txt": ""})
    assert main(programs, built, target, "--check") == 1
    lines = capsys.readouterr().err.splitlines()
    assert set(told) <= set(lines)
    assert lines[-1] == "lowlevel is not what the document says: run codegen/generate.py and commit"
    assert [path.name for path in target.iterdir()] == ["a.py"]


def test_a_line_end_at_the_end_of_a_file_is_drift_too(tmp_path: Path, built: Path) -> None:
    target = tmp_path / "lowlevel"
    write(target, {"a.py": "one\n"})
    assert main(Programs({"a.py": "one"}), built, target, "--check") == 1


@pytest.fixture
def environments(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    made: list[Path] = []

    def create(folder: Path, **options: Any) -> None:
        assert options == {"with_pip": True, "clear": True}
        folder.mkdir(exist_ok=True)
        made.append(folder)

    monkeypatch.setattr(venv, "create", create)
    return made


def test_the_environment_is_built_from_the_lock_with_hashes_and_built_again_when_the_lock_changes(
    tmp_path: Path, environments: list[Path]
) -> None:
    lock, folder, programs = tmp_path / "requirements.lock", tmp_path / "venv", Programs({})
    for text, builds in [("first", 1), ("first", 1), ("second", 2)]:
        lock.write_text(text, encoding="utf-8")
        found = generate.environment(programs, folder, lock)
        assert found.parent == folder
        assert len(environments) == len(programs.commands) == builds
    assert programs.commands[0][1:] == ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]


def test_an_environment_that_could_not_be_filled_is_built_again(tmp_path: Path, environments: list[Path]) -> None:
    lock, folder = tmp_path / "requirements.lock", tmp_path / "venv"
    lock.write_text("text", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        generate.environment(Programs({}, fails="install"), folder, lock)
    generate.environment(Programs({}), folder, lock)
    assert len(environments) == 2


@pytest.mark.parametrize(("system", "programs"), [("nt", "Scripts"), ("posix", "bin")])
def test_programs_are_where_the_system_puts_them(
    monkeypatch: pytest.MonkeyPatch, built: Path, system: str, programs: str
) -> None:
    monkeypatch.setattr(os, "name", system)
    found = generate.environment(Programs({}), built)
    monkeypatch.undo()
    assert found.name == programs


def test_commands_run_in_the_project_and_fail_loudly() -> None:
    here = "import os, pathlib, sys; sys.exit(0 if pathlib.Path('openapi.json').exists() and os.environ['PATH'] else 9)"
    generate.run_command([sys.executable, "-c", here])
    with pytest.raises(subprocess.CalledProcessError):
        generate.run_command([sys.executable, "-c", "raise SystemExit(2)"])


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["generate.py", "--help"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(generate.ROOT / "codegen" / "generate.py"), run_name="__main__")
    assert caught.value.code == 0
    assert "--check" in capsys.readouterr().out


def test_the_lock_pins_the_generator_and_its_formatter_by_hash_and_names_no_host() -> None:
    lock = generate.LOCK.read_text("utf-8")
    wanted = (generate.ROOT / "codegen" / "requirements.in").read_text("utf-8")
    for line in wanted.splitlines():
        if not line.startswith("#"):
            assert f"{line} \\\n    --hash=sha256:" in lock
    assert "://" not in lock
