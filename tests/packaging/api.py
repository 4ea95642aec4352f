"""Compare the public interface with that of the last release's tag: `python tests/packaging/api.py [repository]`.

Public is what can be imported from the roots below, and the resources that hang on a client. What else lies in the
package may change at any time, and `ac_sms_async.lowlevel` follows the vendor's document.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

PACKAGE = "ac_sms_async"
ROOTS = (PACKAGE, f"{PACKAGE}.collect", f"{PACKAGE}.otel", f"{PACKAGE}.sandbox")
RESOURCES = f"{PACKAGE}.resources"


def last_release(repository: Path) -> str | None:
    described = subprocess.run(
        ["git", "-C", repository, "describe", "--tags", "--abbrev=0", "--match", "v*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None


def public(package: griffe.Object | griffe.Alias) -> Iterator[str]:
    """Where the public names are defined, and where they can be imported from."""
    for root in ROOTS:
        module = package if root == PACKAGE else package[root.removeprefix(f"{PACKAGE}.")]
        for name in module.exports or ():
            yield f"{root}.{name}"
            yield module.members[str(name)].canonical_path
    yield RESOURCES


def breaks(repository: Path, tag: str) -> list[str]:
    """What somebody's program that worked with the release would stumble over, in words."""
    before = griffe.load_git(PACKAGE, ref=tag, repo=repository, resolve_aliases=True)
    # Not what lies in the current folder, which griffe would prefer.
    now = griffe.load(PACKAGE, search_paths=[repository], try_relative_path=False, resolve_aliases=True)
    names = set(public(before))
    found: list[str] = []
    for breakage in griffe.find_breaking_changes(before, now):
        path = breakage.obj.path
        if any(path == name or path.startswith(f"{name}.") for name in names):
            found.append(breakage.explain(griffe.ExplanationStyle.ONE_LINE))
    return found


def main(repository: Path) -> int:
    tag = last_release(repository)
    if tag is None:
        print("nothing was released yet")
        return 0
    found = breaks(repository, tag)
    for line in found:
        print(line)
    print(f"{len(found)} breaking changes since {tag}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
