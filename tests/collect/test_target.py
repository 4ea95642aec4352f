"""Where a store is: what is understood, what is refused, and that nothing of a DSN but host and database is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ac_sms_async.collect import StoreError, open_store
from ac_sms_async.collect.store.target import Target, has_password, shown, without_userinfo

REFUSED = [
    "postgresql+psycopg://user:hunter2@db/sms",
    "postgres+asyncpg://user:hunter2@db/sms",
    "mysql://user:hunter2@db/sms",
    "sqlite:///metrics.sqlite?password=hunter2",
    "file:metrics.sqlite?mode=memory&password=hunter2",
    "postgresql:/user:hunter2@db/sms",
    "postgresql:user:hunter2@db/sms",
    "host=db password=hunter2",
    "HOST = db user=me PASSWORD = hunter2",
    "dbname=sms password='hunter2'",
    " password=hunter2 host=db",
    "user:hunter2@db/sms",
    "https://user:hunter2@db/sms",
]


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_not_understood_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(StoreError, match=r"a SQLite file, or postgresql://user@host/database") as caught:
        Target.parse(given)
    assert "hunter2" not in repr(caught.value)
    assert shown(given) == "DSN"
    assert has_password(given)


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://me:hunter2@db.example:5432/sms?sslmode=require",
        "POSTGRESQL://me:hunter2@db.example:5432/sms",
        "  postgres://me:hunter2@db.example:5432/sms ",
        "postgresql://me:hunt@er2@db.example:5432/sms?password=hunter2",
    ],
)
def test_a_dsn(given: str) -> None:
    found = Target.parse(given)
    assert found.path is None
    assert (found.dsn or "").startswith("postgresql://me:hun")
    assert found.shown == "postgresql://db.example:5432/sms"
    assert "hun" not in repr(found)
    assert shown(given) == found.shown
    assert has_password(given)


def test_a_dsn_that_nobody_can_take_apart() -> None:
    assert shown("postgresql://me:hunter2@[::1/sms") == "postgresql://..."
    assert not has_password("postgresql://me@db/sms")
    assert not has_password("postgresql://postgres:@/sms?host=/tmp/x")


@pytest.mark.parametrize(
    "given", ["metrics.sqlite", "/srv/port=5/m.sqlite", "C:\\sms\\m.sqlite", "zoë 🎉.db", " a.db", "a@b:c.db"]
)
def test_a_path(given: str) -> None:
    assert Target.parse(given) == Target(path=Path(given))
    assert shown(given) == given
    assert Target.parse(Path(given)).path == Path(given)
    assert not has_password(given)


@pytest.mark.parametrize("given", [":memory:", " :memory:", "", "  ", "a\x00b"])
def test_what_keeps_nothing(given: str) -> None:
    with pytest.raises(StoreError):
        Target.parse(given)
    if given.strip():
        with pytest.raises(StoreError):
            Target.parse(Path(given))


@pytest.mark.anyio
async def test_nothing_is_opened_in_memory() -> None:
    with pytest.raises(StoreError, match=":memory: keeps nothing"):
        await open_store(":memory:")
    assert not Path(":memory:").exists()


secrets = st.text(st.characters(categories=["L", "N"], codec="ascii"), min_size=6)


@given(secrets, secrets, st.sampled_from(["postgresql", "POSTGRES", "postgresql+psycopg", "mysql"]))
def test_no_userinfo_is_ever_shown(user: str, password: str, scheme: str) -> None:
    for text in (f"{scheme}://{user}x:{password}y@h/d", f"host=h user={user}x password={password}y"):
        for said in (shown(text), _said(text), without_userinfo(f"ac-sms collect --db '{text}'")):
            assert f"{password}y" not in said
    assert without_userinfo(f"--db={scheme}://{user}x:{password}y@h/d") == f"--db={scheme}://h/d"


def _said(text: str) -> str:
    try:
        return repr(Target.parse(text))
    except StoreError as error:
        return repr(error)
