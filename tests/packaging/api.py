"""Compare the public interface with that of the last release's tag: `python tests/packaging/api.py [repository]`.

Until there is one it is held against `interface.txt`, which `--keep` writes: what moves is seen, and goes into the
changelog. Public is what can be imported from the roots below, and the resources that hang on a client. What else lies
in the package may change at any time, and `ac_sms_async.lowlevel` follows the vendor's document.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

PACKAGE = "ac_sms_async"
ROOTS = (PACKAGE, f"{PACKAGE}.collect", f"{PACKAGE}.dlt", f"{PACKAGE}.otel", f"{PACKAGE}.sandbox")
RESOURCES = f"{PACKAGE}.resources"
SNAPSHOT = "tests/packaging/interface.txt"


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


def interface(package: griffe.Object | griffe.Alias) -> list[str]:
    """A line for each public function, class, method and attribute, as somebody would write or read it."""
    lines: set[str] = set()
    for root in (*ROOTS, *(f"{RESOURCES}.{name}" for name in package["resources"].modules)):
        module = package if root == PACKAGE else package[root.removeprefix(f"{PACKAGE}.")]
        for name in module.exports or ():
            lines.update(_lines(f"{root}.{name}", module.members[str(name)]))
    return sorted(lines)


def _lines(path: str, found: griffe.Object | griffe.Alias) -> Iterator[str]:
    target = found.final_target if isinstance(found, griffe.Alias) else found
    if isinstance(target, griffe.Function):
        parameters = ", ".join(_parameter(each) for each in target.parameters if each.name != "self")
        yield f"{path}({parameters}) -> {target.returns}"
    elif isinstance(target, griffe.Class):
        yield f"class {path}({', '.join(map(str, target.bases))})"
        for name, member in target.members.items():
            if not name.startswith("_") or name in ("__init__", "__aenter__", "__aiter__", "__anext__"):
                yield from _lines(f"{path}.{name}", member)
    elif isinstance(target, griffe.Attribute):
        value = f" = {target.value}" if str(target.annotation) == "TypeAlias" else ""
        yield f"{path}: {target.annotation}{value}"


_STARS = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}


def _parameter(parameter: griffe.Parameter) -> str:
    star = "" if parameter.kind is None else _STARS.get(parameter.kind, "")
    by_name = "by name " if parameter.kind is griffe.ParameterKind.keyword_only else ""
    default = "" if parameter.default is None or star else f" = {parameter.default}"
    return f"{by_name}{star}{parameter.name}: {parameter.annotation}{default}"


def changes(repository: Path, *, keep: bool) -> int:
    """Print what is other than in the kept file, and whether anything of that is gone; or keep what is."""
    kept = repository / SNAPSHOT
    package = griffe.load(PACKAGE, search_paths=[repository], try_relative_path=False, resolve_aliases=True)
    now = interface(package)
    if keep:
        kept.write_text("\n".join(now) + "\n", "utf-8")
        return 0
    before = kept.read_text("utf-8").splitlines()
    gone, new = [line for line in before if line not in now], [line for line in now if line not in before]
    for sign, lines in (("-", gone), ("+", new)):
        for line in lines:
            print(sign, line)
    print(f"nothing was released yet; {len(gone)} lines of {SNAPSHOT} are gone or other now, {len(new)} are new")
    if gone or new:
        print("say in the changelog what to change, then: python tests/packaging/api.py --keep")
    return 1 if gone or new else 0


def main(repository: Path, *, keep: bool) -> int:
    tag = last_release(repository)
    if tag is None:
        return changes(repository, keep=keep)
    found = breaks(repository, tag)
    for line in found:
        print(line)
    print(f"{len(found)} breaking changes since {tag}")
    return 1 if found else 0


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--keep"]
    sys.exit(main(Path(given[0] if given else ".").resolve(), keep="--keep" in sys.argv))
