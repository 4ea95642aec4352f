"""ActiveCampaign's SMS Broadcast API as its document (version 3.0.0) describes it: generated, never edited by hand.

`api` has one module a tag, in it one endpoint an operation; `models` has what is sent and read; `operations.OPERATIONS` lists
all there is. Nothing here knows an HTTP library, so it can be used alone, with whatever carries requests:

    from ac_sms_async.lowlevel.api.broadcasts import list_broadcasts

    request = list_broadcasts(limit=20, status="sent")  # .method, .path, .query, .headers, .json
    page = request.decode(json.loads(body), ZoneInfo("America/Chicago"))  # the body of a 2xx; raises types.DecodeError

An object with `async def send(request)` that does both and returns a `types.Response` is a `types.Client`. One that paces,
retries and holds deadlines is the `transport` of an `SMSClient`:

    page = await list_broadcasts.asyncio(sms.transport, limit=20)  # the model
    answer = await list_broadcasts.asyncio_detailed(sms.transport, limit=20)  # .status, .headers, .parsed

Arguments left out are not sent. Answers are read generously: a field that is missing or can't be read is None, what the document
doesn't know is kept in `extra`, what can't be read in `unparsed`.
"""
