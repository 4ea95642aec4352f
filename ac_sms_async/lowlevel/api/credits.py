"""Operations of the tag credits."""

from __future__ import annotations

from ..client import Request, endpoint
from ..models.credits_response import CreditsResponse


@endpoint
def get_sms_credit_data() -> Request[CreditsResponse]:
    """Get current SMS credits.

    Retrieve the current period's sms credit usage and remaining balance.

    Calls getSmsCreditData: GET /sms/credits.
    """
    return Request(
        operation_id="getSmsCreditData",
        method="GET",
        path="/sms/credits",
        retry_safe=True,
        decode=CreditsResponse.from_dict,
    )
