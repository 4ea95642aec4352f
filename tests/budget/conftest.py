"""A PostgreSQL to keep budgets in."""

from tests.collect.conftest import new_database, postgres_server

__all__ = ["new_database", "postgres_server"]
