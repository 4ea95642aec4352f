"""Regenerates ac_sms_async/lowlevel from openapi.json: overlay, generate, format, swap in whole; says what changed.

    python codegen/generate.py            regenerate
    python codegen/generate.py --check    tell what would change, and fail if anything would

Needs nothing but Python: the generator lives in an environment of its own, built on first use from a lock with hashes.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a program, it stands in its own folder

from codegen.changes import changes

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "codegen" / "requirements.lock"
TARGET = ROOT / "ac_sms_async" / "lowlevel"

# Ruff takes the nearest pyproject otherwise, and its defaults grow from version to version.
RUFF_LINT = ["check", "--quiet", "--isolated", "--no-cache", "--fix", "--select", "F401,I"]
RUFF_FORMAT = ["format", "--quiet", "--isolated", "--no-cache", "--line-length", "120"]

Run = Callable[[Sequence[str]], None]
"""Runs a command in the project's folder; raises where it fails."""


def run_command(command: Sequence[str]) -> None:
    """Runs a command in the project's folder, silent about byte code and settings of the caller's own."""
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def environment(run: Run, folder: Path, lock: Path = LOCK) -> Path:
    """The folder of the generator's programs; builds the environment where it is missing or the lock has changed."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    stamp = folder / "requirements.lock"
    if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
        venv.create(folder, with_pip=True, clear=True)
        run([str(programs / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)])
        shutil.copyfile(lock, stamp)
    return programs


def generate(output: Path, programs: Path, run: Run, document: Path) -> None:
    """Renders and formats the whole layer into `output`."""
    run([str(programs / "python"), "-m", "codegen.render", str(document), str(output)])
    ruff = str(programs / "ruff")
    run([ruff, *RUFF_LINT, str(output)])
    run([ruff, *RUFF_FORMAT, str(output)])


def drift(new: Path, old: Path) -> list[str]:
    """How the files of two folders differ, as lines of a unified diff."""
    lines: list[str] = []
    before, after = _texts(old), _texts(new)
    for name in sorted(before.keys() | after.keys()):
        lines += difflib.unified_diff(
            before.get(name, "").splitlines(keepends=True),
            after.get(name, "").splitlines(keepends=True),
            f"{name} (now)" if name in before else "(missing)",
            f"{name} (generated)" if name in after else "(not generated)",
            lineterm="",
        )
        if name not in before or name not in after:
            lines.append(f"{name}: {'only here' if name in before else 'missing here'}")
    return [line.rstrip("\n") for line in lines]


def swap(new: Path, target: Path) -> None:
    """Puts `new` in the place of `target`, whole, whatever was there before."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def main(
    arguments: Sequence[str],
    *,
    run: Run = run_command,
    target: Path = TARGET,
    document: Path = ROOT / "openapi.json",
    environment_folder: Path = ROOT / ".venv-codegen",
) -> int:
    """Gives 0, or 1 where --check finds that the layer is not what the document says."""
    parser = argparse.ArgumentParser(prog="generate.py", description="Regenerate ac_sms_async/lowlevel.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something would change")
    check = parser.parse_args(arguments).check
    programs = environment(run, environment_folder)
    # Beside the target, so that the swap is a rename and never a copy that can stop half-way.
    with tempfile.TemporaryDirectory(prefix=".lowlevel-", dir=target.parent) as folder:
        new = Path(folder) / "lowlevel"
        try:
            generate(new, programs, run, document)
        except subprocess.CalledProcessError as error:
            # The command has said what is wrong; the folder that stands is left alone.
            return int(error.returncode)
        if not check:
            told = changes(_texts(target), _texts(new))
            swap(new, target)
            print(told)
            return 0
        lines = drift(new, target)
    if not lines:
        return 0
    print("\n".join(lines), file=sys.stderr)
    print(f"{target.name} is not what the document says: run codegen/generate.py and commit", file=sys.stderr)
    return 1


def _texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
