"""On Django's asynchronous views, in one file. Django itself cancels what is done for a browser that goes."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import AsyncIterator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from ac_sms_async import SMSClient

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of-the-tests", DEBUG=False)

# Django has no lifespan: the client is made with the module, and bound to the first loop that uses it.
sms = SMSClient.from_env(deadline=20, rate_limit=None, max_concurrency=1)


async def credits(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"available": (await sms.credits.get()).available})


async def export(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        async with sms.exports.recipients(int(str(request.GET["id"]))) as export:
            async for chunk in export.bytes():
                yield chunk

    return StreamingHttpResponse(chunks(), content_type="text/csv")


urlpatterns = [path("credits", credits), path("export", export)]
app = get_asgi_application()
