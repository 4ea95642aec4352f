"""A PostgreSQL to keep budgets in, and the command to look at them."""

from tests.cli.conftest import ac_sms, acme, beside, sandbox
from tests.collect.conftest import new_database, postgres_server

__all__ = ["ac_sms", "acme", "beside", "new_database", "postgres_server", "sandbox"]
