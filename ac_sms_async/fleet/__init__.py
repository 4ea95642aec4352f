"""Many accounts on many machines: `collect` as jobs on Procrastinate, in a PostgreSQL. Needs the `[fleet]` extra.

async with open_database(dsn) as database:
    await install(database)
    await add_account(database, "acme", "https://acme.api-us1.com", token_env="ACME_TOKEN")
    await enqueue(database)
await Worker(dsn=dsn, drain=True).run()
"""

from ac_sms_async.fleet.accounts import Account, add_account, find_accounts, remove_account
from ac_sms_async.fleet.database import Database, open_database
from ac_sms_async.fleet.errors import FleetError, LeaseLostError
from ac_sms_async.fleet.install import install
from ac_sms_async.fleet.plan import Plan
from ac_sms_async.fleet.queue import Enqueued, enqueue, enqueue_due, retry_failed
from ac_sms_async.fleet.status import AccountStatus, FleetStatus, fleet_status
from ac_sms_async.fleet.vault import Vault, new_key
from ac_sms_async.fleet.worker import Worker

__all__ = [
    "Account",
    "AccountStatus",
    "Database",
    "Enqueued",
    "FleetError",
    "FleetStatus",
    "LeaseLostError",
    "Plan",
    "Vault",
    "Worker",
    "add_account",
    "enqueue",
    "enqueue_due",
    "find_accounts",
    "fleet_status",
    "install",
    "new_key",
    "open_database",
    "remove_account",
    "retry_failed",
]
