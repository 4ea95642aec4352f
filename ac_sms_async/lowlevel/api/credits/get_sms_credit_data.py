"""Get current SMS credits: GET /sms/credits."""

from __future__ import annotations

from ...client import Client, Request, Response
from ...models.credits_response import CreditsResponse


def request() -> Request[CreditsResponse]:
    """Builds the request, without sending it.

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


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[CreditsResponse]:
    """As `asyncio`, with the status and the headers."""
    return await client.send(request())


async def asyncio(
    *,
    client: Client,
) -> CreditsResponse:
    """Get current SMS credits.

    Retrieve the current period's sms credit usage and remaining balance.

    Calls getSmsCreditData: GET /sms/credits.
    """
    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
