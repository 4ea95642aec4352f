"""BroadcastUpdateRequest: What to change of a broadcast."""

from __future__ import annotations

import datetime
from typing import Any

from attrs import define

from ..base import Model
from ..unset import UNSET, Unset
from ..writing import write_datetime
from .broadcast_update_status import BroadcastUpdateStatus


@define(kw_only=True, eq=False, repr=False)
class BroadcastUpdateRequest(Model):
    """What to change of a broadcast. What is UNSET is left out; None clears.

    Attributes:
        name: Name of the broadcast
        address_id: ID for sender name
        body: SMS message content
        media_urls: Media URLs for MMS, each format uri
        preview_url: URL for message preview (format uri)
        shorten_track_links_enabled: Whether links are shortened and tracked
        status: Status of the broadcast. pending_review starts kicks off the broadcast to be sent
        scheduled_date: When to send
        sent_to_count: Number of recipients
        list_ids: Lists to send to
        segment_id: Segment to send to
        custom_run_id: custom run id generated from segmentMatchSome endpoint and passing a valid segment id (format uuid)
        custom_segment_id: custom segment id generated from segmentsV2 endpoint and passing in a valid audience (format uuid)
        label_ids: Labels to put on it
    """

    name: str | Unset = UNSET
    address_id: int | None | Unset = UNSET
    body: str | Unset = UNSET
    media_urls: list[str] | None | Unset = UNSET
    preview_url: str | None | Unset = UNSET
    shorten_track_links_enabled: bool | Unset = UNSET
    status: BroadcastUpdateStatus | Unset = UNSET
    scheduled_date: datetime.datetime | None | Unset = UNSET
    sent_to_count: int | None | Unset = UNSET
    list_ids: list[int] | None | Unset = UNSET
    segment_id: str | None | Unset = UNSET
    custom_run_id: str | None | Unset = UNSET
    custom_segment_id: str | None | Unset = UNSET
    label_ids: list[int] | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        """The body to send, by wire names."""
        result: dict[str, Any] = {}
        if self.name is not UNSET:
            result["name"] = self.name
        if self.address_id is not UNSET:
            result["address_id"] = self.address_id
        if self.body is not UNSET:
            result["body"] = self.body
        if self.media_urls is not UNSET:
            result["media_urls"] = self.media_urls
        if self.preview_url is not UNSET:
            result["preview_url"] = self.preview_url
        if self.shorten_track_links_enabled is not UNSET:
            result["shorten_track_links_enabled"] = self.shorten_track_links_enabled
        if self.status is not UNSET:
            result["status"] = self.status
        if self.scheduled_date is not UNSET:
            result["scheduled_date"] = (
                None if self.scheduled_date is None else write_datetime(self.scheduled_date, "scheduled_date")
            )
        if self.sent_to_count is not UNSET:
            result["sent_to_count"] = self.sent_to_count
        if self.list_ids is not UNSET:
            result["list_ids"] = self.list_ids
        if self.segment_id is not UNSET:
            result["segment_id"] = self.segment_id
        if self.custom_run_id is not UNSET:
            result["custom_run_id"] = self.custom_run_id
        if self.custom_segment_id is not UNSET:
            result["custom_segment_id"] = self.custom_segment_id
        if self.label_ids is not UNSET:
            result["label_ids"] = self.label_ids
        return result
