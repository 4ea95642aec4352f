"""What people install: wheel and sdist are built, installed into empty environments, and used there.

Run by `make package`; not part of `make test`, because it needs a package index and minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest

from ac_sms_async.sandbox import Clock, Sandbox
from tests.fleet.conftest import embedded

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
OLDEST_PYTHON = VERSIONS[0]
CORE = {"ac-sms-async", "anyio", "attrs", "certifi", "h11", "httpcore", "httpx", "idna", "sniffio", "typing-extensions"}
"""All that may be there after `pip install ac-sms-async`: three dependencies and what they need."""

TEST_TOOLS = (
    "h2",
    "httpx2",
    "hypothesis",
    "pytest-asyncio",
    "pytest-httpx",
    "socksio",
    "time-machine",
    "trustme",
    "uvloop",
)
DEEP_TESTS = (
    *("tests/mechanisms", "tests/otel", "tests/resources", "tests/transport", "tests/test_client.py"),
    # Reads the document with the generator, which is no part of what is installed.
    "--ignore=tests/resources/test_reach.py",
)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def interpreter(version: str) -> str | None:
    """A Python of that version: from pyenv where it is, else from the PATH."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    if pyenv:
        return str(pyenv[-1])
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    # A shim of pyenv may be there without the version behind it.
    if found is None or subprocess.run([found, "-V"], capture_output=True, check=False).returncode:
        return None
    return found


class Environment:
    """An empty virtual environment, outside of the source tree."""

    def __init__(self, folder: Path, version: str) -> None:
        python = interpreter(version)
        if python is None:
            pytest.skip(f"there is no Python {version} on this machine")
        run(python, "-m", "venv", folder)
        self.folder = folder
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.bin / "python"

    def install(self, *arguments: str | Path) -> None:
        run(self.python, "-m", "pip", "install", "--quiet", *arguments, cwd=self.folder)

    def packages(self) -> dict[str, str]:
        listed = run(self.python, "-m", "pip", "list", "--format=freeze", cwd=self.folder)
        pairs = (line.split("==") for line in listed.split())
        return {name.lower().replace("_", "-"): version for name, version in pairs}

    def script(self, name: str, *arguments: str, env: dict[str, str] | None = None) -> str:
        # Isolated and with warnings as errors: nothing of the source tree can help.
        return run(self.python, "-I", "-W", "error", HERE / name, *arguments, cwd=self.folder, env=env)

    def pytest(self, name: str) -> None:
        # Copied, so that this project's own settings are not found above it.
        test = shutil.copy(HERE / name, self.folder / f"test_{name}")
        run(self.python, "-m", "pytest", "-q", "-W", "error", test, cwd=self.folder)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist. The wheel is built from the sdist, as an index's builders would do it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, broadcasts=20, rate_limit=None, clock=Clock(speed=0)) as running:
        yield running


@pytest.fixture
def dsn() -> Iterator[str]:
    """An empty PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="ac-sms-postgres-") as folder:
        server = embedded(Path(folder))
        yield server.get_uri()
        server.cleanup()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = message_from_string(
            archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        )
    top = {"ac_sms_async", "pytest_ac_sms.py", wheel.name.split("-py3")[0] + ".dist-info"}
    assert {name.split("/")[0] for name in names} == top
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ac_sms_async").rglob("*") if path.is_file()}
    assert {name for name in names if name.startswith("ac_sms_async/")} == {
        name for name in here if "__pycache__" not in name
    }
    assert "ac_sms_async/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    required = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert {re.split(r"[^a-z0-9]", need)[0] for need in required} == {"anyio", "attrs", "httpx", "sniffio", "tzdata"}
    # An index shows it without the repository around it, where a relative link leads nowhere.
    shown = metadata.get_payload()
    assert isinstance(shown, str)
    assert "Use it in a web app (`docs/how-to/web-app.md`)" in shown
    assert [target for target in re.findall(r"\]\(([^)]+)\)", shown) if "://" not in target] == []
    assert all("openapi-python-client" not in need for need in metadata.get_all("Requires-Dist", []))


def test_the_sdist_holds_what_rebuilding_needs(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "openapi.json", "codegen/overlay.yaml"} <= names
    assert not any(name.startswith((".venv", "dist/", "site/")) for name in names)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_core_works_in_an_empty_environment(version: str, wheel: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", version)
    environment.install(wheel)

    assert set(environment.packages()) - {"pip", "setuptools"} <= CORE
    environment.script("smoke_core.py", sandbox.url, sandbox.token)
    command = subprocess.run([environment.bin / "ac-sms", "--help"], capture_output=True, text=True, check=False)
    assert command.returncode != 0
    assert "pip install 'ac-sms-async[cli]'" in command.stderr
    assert "Traceback" not in command.stderr


def test_the_sdist_can_be_installed(dist: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    environment = Environment(tmp_path / "venv", OLDEST_PYTHON)
    environment.install(sdist)
    environment.script("smoke_core.py", sandbox.url, sandbox.token)


def test_everything_works_with_the_newest_dependencies(wheel: Path, sandbox: Sandbox, dsn: str, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", next(filter(interpreter, reversed(VERSIONS))))
    environment.install(f"{wheel}[all]", "opentelemetry-sdk", "pytest", "trio")
    use_everything(environment, sandbox, dsn, tmp_path)


def test_everything_works_with_the_oldest_dependencies(wheel: Path, sandbox: Sandbox, dsn: str, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", OLDEST_PYTHON)
    environment.install(f"{wheel}[all]", "opentelemetry-sdk", "pytest", "trio", "-c", HERE / "oldest.txt")

    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (HERE / "oldest.txt").read_text(), re.MULTILINE))
    installed = environment.packages()
    assert {name: installed[name] for name in pins if name in installed} == {
        name: pin for name, pin in pins.items() if name in installed
    }
    use_everything(environment, sandbox, dsn, tmp_path)
    # Beyond a first use: the tests of what calls the dependencies most.
    environment.install(*TEST_TOOLS, "-c", HERE / "oldest.txt")
    run(environment.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *DEEP_TESTS, cwd=ROOT)


def test_a_break_of_the_public_interface_is_noticed(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(ROOT / "ac_sms_async", repository / "ac_sms_async", ignore=shutil.ignore_patterns("__pycache__"))

    def git(*arguments: str) -> None:
        run("git", "-C", repository, "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", *arguments)

    def check() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, HERE / "api.py", repository], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    kept = repository / "tests" / "packaging" / "interface.txt"
    kept.parent.mkdir(parents=True)
    shutil.copy(HERE / kept.name, kept)
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "A release")
    code, shown = check()
    assert code == 0, shown
    assert shown.startswith("nothing was released yet; 0 lines of tests/packaging/interface.txt are gone or other now")
    options = repository / "ac_sms_async" / "options.py"
    original = options.read_text()
    options.write_text(original.replace("    requests: int = field(default=5,", "    starts: int = field(default=5,"))
    code, shown = check()
    assert code == 1
    assert {"- ac_sms_async.RateLimit.requests: int", "+ ac_sms_async.RateLimit.starts: int"} <= {*shown.splitlines()}
    options.write_text(original)
    git("tag", "v1.0.0")
    text = options.read_text().replace("def positive_seconds(name: str,", "def positive_seconds(title: str,")
    options.write_text(text)
    assert check() == (0, "0 breaking changes since v1.0.0\n")
    options.write_text(options.read_text().replace("class Timeout:", "class Timeouts:"))
    code, shown = check()
    assert code == 1, shown
    assert "Timeout: Public object was removed" in re.sub(r"\x1b\[\d+m", "", shown)


def use_everything(environment: Environment, sandbox: Sandbox, dsn: str, folder: Path) -> None:
    environment.script("smoke_core.py", sandbox.url, sandbox.token)
    environment.script("smoke_extras.py", sandbox.url, sandbox.token)
    environment.script("smoke_fleet.py", dsn, sandbox.url, env={"ACME_TOKEN": sandbox.token})
    assert "acme\tok\t" in run(environment.bin / "ac-sms", "fleet", "status", "--dsn", dsn)
    environment.pytest("smoke_plugin.py")
    account = {"ACTIVECAMPAIGN_URL": sandbox.url, "ACTIVECAMPAIGN_API_TOKEN": sandbox.token}
    store = folder / "metrics.sqlite"
    run(environment.bin / "ac-sms", "collect", "--db", store, env=account, cwd=folder)
    run(environment.bin / "ac-sms", "report", "--db", store, "-o", folder / "report.html", cwd=folder)
    assert (folder / "report.html").stat().st_size > 2_000
    run(environment.bin / "ac-sms", "export", "--db", store, "--format", "parquet", "-o", folder / "out", cwd=folder)
