"""What the sandbox's image and its compose file run, without an engine: the commands themselves, and what they need."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "sandbox"
BIN = Path(sys.executable).parent


def words(instruction: str) -> list[str]:
    """The words of an instruction of the Dockerfile in its exec form."""
    found = re.search(rf"^{instruction}\b[^\[]*(\[.*\])$", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    command: list[str] = json.loads(found[1])
    return command


def here(command: list[str], port: int) -> list[str]:
    """The same command on this machine, at another port."""
    name, *rest = command
    return [str(BIN / name), *(word.replace("8080", str(port)) for word in rest)]


def test_it_serves_and_an_app_beside_it_finds_its_way(free_tcp_port: int) -> None:
    served = here([*words("ENTRYPOINT"), *words("CMD")], free_tcp_port)
    app: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["services"]["app"]
    variables = {
        name: value.replace("sandbox:8080", f"127.0.0.1:{free_tcp_port}") for name, value in app["environment"].items()
    }
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            healthy = here(words("HEALTHCHECK"), free_tcp_port)
            ends = time.monotonic() + 30
            while subprocess.run(healthy, stderr=subprocess.DEVNULL, check=False).returncode:
                assert time.monotonic() < ends
            variables = {**os.environ, **variables}
            doctor = here(app["entrypoint"], free_tcp_port)
            told = subprocess.run(doctor, env=variables, capture_output=True, text=True, check=False)
            assert told.returncode == 0, told.stdout + told.stderr
        finally:
            sandbox.terminate()


def test_what_the_image_is_built_from_is_there() -> None:
    kept = (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").split()
    names = {name.removeprefix("!") for name in kept if name.startswith("!")}
    assert {name for name in names if not (ROOT / name).exists()} == set()
    # What pyproject.toml names, or the wheel couldn't be built.
    assert names == {"ac_sms_async", "pytest_ac_sms.py", "pyproject.toml", "README.md", "LICENSE"}
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    for service in compose["services"].values():
        build = service["build"]
        assert (FOLDER / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).exists()
