"""Tokens at rest."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ac_sms_async.fleet import FleetError, Vault, new_key
from ac_sms_async.fleet.vault import KEY, KEY_FILE

URL = "https://acme.api-us1.com"


def test_a_token_comes_back_and_is_not_to_be_read_meanwhile(vault: Vault) -> None:
    sealed = vault.lock(URL, "s3cret")
    assert b"s3cret" not in sealed
    assert vault.unlock(URL, sealed) == "s3cret"
    assert repr(vault) == "<Vault>"


def test_a_new_key_in_front_of_the_old_one_still_reads_what_that_one_wrote(key: str) -> None:
    sealed = Vault(key).lock(URL, "s3cret")
    fresh = new_key()
    both = Vault(fresh, key)
    assert both.unlock(URL, sealed) == "s3cret"
    assert Vault(fresh).unlock(URL, both.lock(URL, "s3cret")) == "s3cret"
    with pytest.raises(FleetError, match="another key"):
        Vault(fresh).unlock(URL, sealed)


def test_a_token_cannot_be_moved_to_another_url(vault: Vault) -> None:
    with pytest.raises(FleetError, match="given for another URL"):
        vault.unlock("https://evil.example", vault.lock(URL, "s3cret"))


def test_what_is_no_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(FleetError, match="that is no key") as caught:
        Vault("not-a-key")
    assert "not-a-key" not in str(caught.value)


def test_keys_come_from_the_environment_or_from_a_file(key: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{new_key()}\n{key}\n", "utf-8-sig")
    file.chmod(0o600)
    sealed = Vault.from_env({KEY: key}).lock(URL, "s3cret")
    assert Vault.from_env({KEY_FILE: str(file)}).unlock(URL, sealed) == "s3cret"


@pytest.mark.parametrize(("environment", "problem"), [({}, "there is no key"), ({KEY_FILE: "/none"}, "cannot read")])
def test_a_missing_key_says_how_to_get_one(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(FleetError, match=problem):
        Vault.from_env(environment)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o644, 0o444, 0o640, 0o620, 0o602])
def test_a_key_file_that_others_can_read_is_refused(key: str, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text(key)
    file.chmod(mode)
    with pytest.raises(FleetError, match="can be read or changed by others: chmod 600"):
        Vault.from_env({KEY_FILE: str(file)})


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
def test_a_key_file_that_is_mounted_read_only_is_taken(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(key)
    file.chmod(0o444)

    def statvfs(_: Path) -> SimpleNamespace:
        return SimpleNamespace(f_flag=os.ST_RDONLY)

    monkeypatch.setattr(os, "statvfs", statvfs)
    Vault.from_env({KEY_FILE: str(file)})
