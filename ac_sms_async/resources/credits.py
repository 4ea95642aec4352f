"""The account's SMS credits."""

from __future__ import annotations

from ac_sms_async.lowlevel.api.credits import get_sms_credit_data
from ac_sms_async.models import SmsCredits
from ac_sms_async.resources.base import Resource

__all__ = ["CreditsResource"]


class CreditsResource(Resource):
    """`sms.credits`: what the account may still send in this period."""

    async def get(self) -> SmsCredits:
        """The credits of the current period: `.available`, `.used_this_period`, `.next_refill_date` and more.

        Raises `SMSError`. Operation: getSmsCreditData.
        """
        return (await get_sms_credit_data.asyncio(self._transport)).sms_credits
