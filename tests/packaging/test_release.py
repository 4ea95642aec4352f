"""What a dry run of a release finds to be done before the version can be tagged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.packaging import release


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose version 1.2.3 can be tagged."""
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (2026-11-30)\n\n## 1.2.2 (2026-11-01)\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True)


def commit(folder: Path) -> None:
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-q", "--allow-empty", "-m", "m")


def missing(folder: Path) -> list[str]:
    return release.missing_before_tagging(folder, "1.2.3")


def test_nothing_is_missing_before_the_tag_and_at_it(project: Path) -> None:
    assert missing(project) == []
    git(project, "tag", "v1.2.3")
    assert missing(project) == []


def test_a_version_is_released_once(project: Path) -> None:
    git(project, "tag", "v1.2.3")
    commit(project)
    assert missing(project) == ["v1.2.3 is released; raise the version in ac_sms_async/version.py"]


def test_what_is_not_committed_is_not_built(project: Path) -> None:
    (project / "new.py").touch()
    assert missing(project) == ["some changes are not committed, and were not built"]


@pytest.mark.parametrize("heading", ["1.2.3 (unreleased)", "1.2.4 (2026-11-30)", "1.2.3"])
def test_the_changelog_has_to_name_the_version_and_a_day(project: Path, heading: str) -> None:
    (project / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n")
    git(project, "add", ".")
    commit(project)
    [what] = missing(project)
    assert what.startswith(f"the changelog's latest section is '{heading}'")
