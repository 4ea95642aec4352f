"""`make release`: all of a release but the release itself. What it builds is in `dist/`; it says what is left to do.

It builds the commit, and not the folder: twice, each in a copy of its own. Both have to be the same to the byte.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


def main() -> None:
    """Build, check, and list what is still to be done; ends with an error where something is wrong."""
    version = _one(VERSION, (ROOT / "ac_sms_async" / "version.py").read_text("utf-8"))
    built = _built_twice()
    DIST.mkdir(exist_ok=True)
    for old in DIST.iterdir():
        old.unlink()
    for file in built:
        (DIST / file).write_bytes(built[file])
    files = [str(DIST / file) for file in sorted(built)]
    _run(sys.executable, "-m", "twine", "check", "--strict", *files)
    _bill_of_materials(next(DIST.glob("*.whl")), DIST / f"ac_sms_async-{version}.cdx.json")
    _run(Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", ROOT / ".github" / "workflows")
    for made in sorted(DIST.iterdir()):
        print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  dist/{made.name}")
    missing = missing_before_tagging(ROOT, version)
    for what in missing:
        print(f"Before it can be tagged: {what}")
    if not missing:
        print(f"To release: git tag -s v{version} -m v{version} && git push origin v{version}")


def missing_before_tagging(project: Path, version: str) -> list[str]:
    """What has to be done before this version of a project can be tagged, in words."""
    missing: list[str] = []
    if _run("git", "status", "--porcelain", cwd=project):
        missing.append("some changes are not committed, and were not built")
    if (
        _run("git", "tag", "--list", f"v{version}", cwd=project)
        and f"v{version}" not in _run("git", "tag", "--points-at", cwd=project).split()
    ):
        missing.append(f"v{version} is released; raise the version in ac_sms_async/version.py")
    heading = _one(re.compile(r"^## (.+)$", re.MULTILINE), (project / "CHANGELOG.md").read_text("utf-8"))
    if not re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading):
        missing.append(f"the changelog's latest section is {heading!r}, and not of {version} and a day")
    return missing


def _built_twice() -> dict[str, bytes]:
    epoch = _run("git", "log", "-1", "--format=%ct")
    builds: list[dict[str, bytes]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            copy, out = Path(folder, "copy"), Path(folder, "out")
            _run("git", "clone", "--quiet", "--no-hardlinks", ROOT, copy)
            _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=copy, SOURCE_DATE_EPOCH=epoch)
            builds.append({file.name: file.read_bytes() for file in out.iterdir()})
    first, second = builds
    if first != second:
        different = [file for file in first if first[file] != second.get(file)]
        raise SystemExit(f"two builds of one commit differ: {different}")
    return first


def _bill_of_materials(wheel: Path, file: Path) -> None:
    """What an installation with all extras consists of, in CycloneDX's format."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        _run(python, "-m", "pip", "install", "--quiet", f"{wheel}[all]")
        _run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools")
        tool = (sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible")
        _run(*tool, "--pyproject", ROOT / "pyproject.toml", "--output-file", file, python)


def _run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    """What a command says. Ends the program with it where the command fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _one(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    main()
