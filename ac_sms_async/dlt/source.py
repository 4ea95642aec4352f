"""The source: an account's broadcasts and what came of them, as resources that dlt loads wherever it can."""

from __future__ import annotations

from datetime import timedelta
from typing import Unpack

import dlt
from dlt.sources import DltResource

from ac_sms_async.client import SMSClient, budget_of_environment, is_trusted
from ac_sms_async.dlt.resources import (
    Account,
    broadcasts,
    credits,
    failures,
    lists,
    metrics,
    people,
    recipients,
    replies,
)
from ac_sms_async.errors import ConfigurationError
from ac_sms_async.transport.client_options import ClientOptions

__all__ = ["sms_broadcasts"]


@dlt.source(name="sms_broadcasts", section="ac_sms_async", max_table_nesting=0)
def sms_broadcasts(
    activecampaign_url: str = dlt.config.value,
    activecampaign_api_token: str = dlt.secrets.value,
    horizon_days: int = 30,
    **options: Unpack[ClientOptions],
) -> tuple[DltResource, ...]:
    """An account's broadcasts, metrics, failures, recipients, replies, lists and credits, as a dlt source.

    URL and token come from dlt's configuration where they aren't given: `[sources.ac_sms_async]` in its files, or the
    variables ACTIVECAMPAIGN_URL and ACTIVECAMPAIGN_API_TOKEN. `horizon_days` is for how long after it was sent a
    broadcast is looked at again. `options` are those of `SMSClient`; calls are bulk work. The resources `recipients`
    and `replies` hold personal data, and are loaded where you select them.

    Every load reads the whole list of broadcasts, and of what can still have moved everything else. It is whole, or it
    fails: whatever can't be read ends it with the `SMSError` that says why, within dlt's own error.

    Raises `ConfigurationError` for a horizon of less than a day.
    """
    if horizon_days < 1:
        raise ConfigurationError(f"horizon_days must be at least 1, not {horizon_days}")
    given: ClientOptions = {
        "allow_insecure_http": is_trusted(activecampaign_url),
        **budget_of_environment(),
        "priority": "bulk",
        **options,
    }
    account = Account(
        lambda: SMSClient(activecampaign_url, activecampaign_api_token, **given), timedelta(days=horizon_days)
    )
    listed = broadcasts(account)
    pages = listed | people(account)
    return (
        *(listed, listed | metrics(account), listed | failures(account)),
        *(pages, pages | recipients, pages | replies),
        *(lists(account), credits(account)),
    )
