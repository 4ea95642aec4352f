"""BroadcastMessage: A broadcast."""

from __future__ import annotations

import datetime
from operator import itemgetter
from typing import Any, Self

from attrs import define, field

from ..base import Model
from ..errors import DecodeError
from ..reading import (
    ID_LIMIT,
    read_bool,
    read_datetime,
    read_id,
    read_int,
    read_ints,
    read_object,
    read_text,
    read_texts,
    unknown_fields,
    unwrapped,
)
from .broadcast_status import BroadcastStatus

_NAMES = (
    "id",
    "name",
    "address_id",
    "body",
    "media_urls",
    "preview_url",
    "shorten_track_links_enabled",
    "status",
    "sent_date",
    "scheduled_date",
    "custom_run_id",
    "custom_segment_id",
    "scheduled_by",
    "sent_to_count",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "deleted_at",
    "sift_approved",
    "arc_approved",
    "quiet_hours_enabled",
    "list_ids",
    "segment_id",
    "label_ids",
)
_KNOWN = frozenset(_NAMES)
_values = itemgetter(*_NAMES)
_new = object.__new__
_list: Any = list  # by a name that a type checker does not narrow by: items would become unknown
_parse_datetime = datetime.datetime.fromisoformat
_combine = datetime.datetime.combine  # six times as fast as replace(tzinfo=...)
_UTC = datetime.UTC


@define(kw_only=True, eq=False, repr=False)
class BroadcastMessage(Model):
    """A broadcast.

    Attributes:
        id: Unique identifier for the broadcast
        name: Name of the broadcast
        address_id: ID used to get sender name
        body: SMS message content
        media_urls: Media URLs for MMS messages, each format uri
        preview_url: URL for message preview (format uri)
        shorten_track_links_enabled: Whether link shortening is enabled
        status: Current status of the broadcast
        sent_date: Date when broadcast was sent
        scheduled_date: Scheduled send date (UTC)
        custom_run_id: custom run id generated from segmentMatchSome endpoint (format uuid)
        custom_segment_id: custom segment id generated from segmentsV2 endpoint and passing in a valid audience (format uuid)
        scheduled_by: User ID who scheduled the broadcast
        sent_to_count: Number of recipients
        created_at: Creation timestamp
        created_by: User ID who created the broadcast
        updated_at: Last update timestamp
        updated_by: User ID who last updated
        deleted_at: Deletion timestamp (for soft deletes)
        sift_approved: Sift approval status
        arc_approved: ARC approval status
        quiet_hours_enabled: Whether quiet hours are enabled
        list_ids: Associated list IDs
        segment_id: Segment ID (can be UUID or integer string)
        label_ids: Associated label IDs
        extra: Fields that the document says nothing of, raw
        unparsed: Fields that could not be read, raw, by wire name
    """

    id: int
    name: str | None = None
    address_id: int | None = None
    body: str | None = None
    media_urls: list[str] | None = None
    preview_url: str | None = None
    shorten_track_links_enabled: bool | None = None
    status: BroadcastStatus | None = None
    sent_date: datetime.datetime | None = None
    scheduled_date: datetime.datetime | None = None
    custom_run_id: str | None = None
    custom_segment_id: str | None = None
    scheduled_by: int | None = None
    sent_to_count: int | None = None
    created_at: datetime.datetime | None = None
    created_by: int | None = None
    updated_at: datetime.datetime | None = None
    updated_by: int | None = None
    deleted_at: datetime.datetime | None = None
    sift_approved: int | None = None
    arc_approved: int | None = None
    quiet_hours_enabled: int | None = None
    list_ids: list[int] | None = None
    segment_id: str | None = None
    label_ids: list[int] | None = None
    extra: dict[str, Any] = field(factory=dict[str, Any])
    unparsed: dict[str, Any] = field(factory=dict[str, Any])

    @classmethod
    def from_dict(cls, data: Any, zone: datetime.tzinfo) -> Self:
        """Reads an answer's JSON value; a date-time without an offset is in `zone`.

        Raises DecodeError where it is of no use, and only that.
        """
        unparsed: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        try:
            (
                id,
                name,
                address_id,
                body,
                media_urls,
                preview_url,
                shorten_track_links_enabled,
                status,
                sent_date,
                scheduled_date,
                custom_run_id,
                custom_segment_id,
                scheduled_by,
                sent_to_count,
                created_at,
                created_by,
                updated_at,
                updated_by,
                deleted_at,
                sift_approved,
                arc_approved,
                quiet_hours_enabled,
                list_ids,
                segment_id,
                label_ids,
            ) = _values(data)
        except (KeyError, TypeError):
            raw = read_object(data)
            if "id" not in raw:
                raise DecodeError("$.id", "is missing") from None
            (
                id,
                name,
                address_id,
                body,
                media_urls,
                preview_url,
                shorten_track_links_enabled,
                status,
                sent_date,
                scheduled_date,
                custom_run_id,
                custom_segment_id,
                scheduled_by,
                sent_to_count,
                created_at,
                created_by,
                updated_at,
                updated_by,
                deleted_at,
                sift_approved,
                arc_approved,
                quiet_hours_enabled,
                list_ids,
                segment_id,
                label_ids,
            ) = map(raw.get, _NAMES)
            if not _KNOWN.issuperset(raw):
                extra = unknown_fields(raw, _KNOWN)
        else:
            if len(data) > 25:
                extra = unknown_fields(data, _KNOWN)
        self = _new(cls)
        if type(id) is not int or not 0 < id < ID_LIMIT:
            id = read_id(id, "id")
        self.id = id
        if type(name) is not str and name is not None:
            name = read_text(name, "name", unparsed)
        self.name = name
        if type(address_id) is not int and address_id is not None:
            address_id = read_int(address_id, "address_id", unparsed)
        self.address_id = address_id
        if type(body) is not str and body is not None:
            body = read_text(body, "body", unparsed)
        self.body = body
        if type(media_urls) is _list:
            for item in media_urls:
                if type(item) is not str:
                    media_urls = read_texts(media_urls, "media_urls", unparsed)
                    break
        elif media_urls is not None:
            media_urls = read_texts(media_urls, "media_urls", unparsed)
        self.media_urls = media_urls
        if type(preview_url) is not str and preview_url is not None:
            preview_url = read_text(preview_url, "preview_url", unparsed)
        self.preview_url = preview_url
        if (
            shorten_track_links_enabled is not True
            and shorten_track_links_enabled is not False
            and shorten_track_links_enabled is not None
        ):
            shorten_track_links_enabled = read_bool(
                shorten_track_links_enabled, "shorten_track_links_enabled", unparsed
            )
        self.shorten_track_links_enabled = shorten_track_links_enabled
        if type(status) is not str and status is not None:
            status = read_text(status, "status", unparsed)
        self.status = status
        if sent_date is not None:
            try:
                sent_date = _parse_datetime(sent_date)
                if sent_date.tzinfo is None:
                    sent_date = _combine(sent_date, sent_date.time(), zone)
            except (TypeError, ValueError):
                sent_date = read_datetime(sent_date, zone, "sent_date", unparsed)
        self.sent_date = sent_date
        if scheduled_date is not None:
            try:
                scheduled_date = _parse_datetime(scheduled_date)
                if scheduled_date.tzinfo is None:
                    scheduled_date = _combine(scheduled_date, scheduled_date.time(), _UTC)
            except (TypeError, ValueError):
                scheduled_date = read_datetime(scheduled_date, _UTC, "scheduled_date", unparsed)
        self.scheduled_date = scheduled_date
        if type(custom_run_id) is not str and custom_run_id is not None:
            custom_run_id = read_text(custom_run_id, "custom_run_id", unparsed)
        self.custom_run_id = custom_run_id
        if type(custom_segment_id) is not str and custom_segment_id is not None:
            custom_segment_id = read_text(custom_segment_id, "custom_segment_id", unparsed)
        self.custom_segment_id = custom_segment_id
        if type(scheduled_by) is not int and scheduled_by is not None:
            scheduled_by = read_int(scheduled_by, "scheduled_by", unparsed)
        self.scheduled_by = scheduled_by
        if type(sent_to_count) is not int and sent_to_count is not None:
            sent_to_count = read_int(sent_to_count, "sent_to_count", unparsed)
        self.sent_to_count = sent_to_count
        if created_at is not None:
            try:
                created_at = _parse_datetime(created_at)
                if created_at.tzinfo is None:
                    created_at = _combine(created_at, created_at.time(), zone)
            except (TypeError, ValueError):
                created_at = read_datetime(created_at, zone, "created_at", unparsed)
        self.created_at = created_at
        if type(created_by) is not int and created_by is not None:
            created_by = read_int(created_by, "created_by", unparsed)
        self.created_by = created_by
        if updated_at is not None:
            try:
                updated_at = _parse_datetime(updated_at)
                if updated_at.tzinfo is None:
                    updated_at = _combine(updated_at, updated_at.time(), zone)
            except (TypeError, ValueError):
                updated_at = read_datetime(updated_at, zone, "updated_at", unparsed)
        self.updated_at = updated_at
        if type(updated_by) is not int and updated_by is not None:
            updated_by = read_int(updated_by, "updated_by", unparsed)
        self.updated_by = updated_by
        if deleted_at is not None:
            try:
                deleted_at = _parse_datetime(deleted_at)
                if deleted_at.tzinfo is None:
                    deleted_at = _combine(deleted_at, deleted_at.time(), zone)
            except (TypeError, ValueError):
                deleted_at = read_datetime(deleted_at, zone, "deleted_at", unparsed)
        self.deleted_at = deleted_at
        if type(sift_approved) is not int and sift_approved is not None:
            sift_approved = read_int(sift_approved, "sift_approved", unparsed)
        self.sift_approved = sift_approved
        if type(arc_approved) is not int and arc_approved is not None:
            arc_approved = read_int(arc_approved, "arc_approved", unparsed)
        self.arc_approved = arc_approved
        if type(quiet_hours_enabled) is not int and quiet_hours_enabled is not None:
            quiet_hours_enabled = read_int(quiet_hours_enabled, "quiet_hours_enabled", unparsed)
        self.quiet_hours_enabled = quiet_hours_enabled
        if type(list_ids) is _list:
            for item in list_ids:
                if type(item) is not int:
                    list_ids = read_ints(list_ids, "list_ids", unparsed)
                    break
        elif list_ids is not None:
            list_ids = read_ints(list_ids, "list_ids", unparsed)
        self.list_ids = list_ids
        if type(segment_id) is not str and segment_id is not None:
            segment_id = read_text(segment_id, "segment_id", unparsed)
        self.segment_id = segment_id
        if type(label_ids) is _list:
            for item in label_ids:
                if type(item) is not int:
                    label_ids = read_ints(label_ids, "label_ids", unparsed)
                    break
        elif label_ids is not None:
            label_ids = read_ints(label_ids, "label_ids", unparsed)
        self.label_ids = label_ids
        self.extra = extra
        self.unparsed = unparsed
        return self

    @classmethod
    def from_envelope(cls, data: Any, zone: datetime.tzinfo) -> Self:
        """As `from_dict`, bare or wrapped as {"broadcast": ...}."""
        inner = unwrapped(data, "broadcast")
        if inner is None:
            return cls.from_dict(data, zone)
        try:
            return cls.from_dict(inner, zone)
        except DecodeError as error:
            raise error.under("broadcast") from None

    def to_dict(self) -> dict[str, Any]:
        """A JSON value by wire names, with what was unknown and what could not be read."""
        return {
            "id": self.id,
            "name": self.name,
            "address_id": self.address_id,
            "body": self.body,
            "media_urls": self.media_urls,
            "preview_url": self.preview_url,
            "shorten_track_links_enabled": self.shorten_track_links_enabled,
            "status": self.status,
            "sent_date": None if self.sent_date is None else self.sent_date.isoformat(),
            "scheduled_date": None if self.scheduled_date is None else self.scheduled_date.isoformat(),
            "custom_run_id": self.custom_run_id,
            "custom_segment_id": self.custom_segment_id,
            "scheduled_by": self.scheduled_by,
            "sent_to_count": self.sent_to_count,
            "created_at": None if self.created_at is None else self.created_at.isoformat(),
            "created_by": self.created_by,
            "updated_at": None if self.updated_at is None else self.updated_at.isoformat(),
            "updated_by": self.updated_by,
            "deleted_at": None if self.deleted_at is None else self.deleted_at.isoformat(),
            "sift_approved": self.sift_approved,
            "arc_approved": self.arc_approved,
            "quiet_hours_enabled": self.quiet_hours_enabled,
            "list_ids": self.list_ids,
            "segment_id": self.segment_id,
            "label_ids": self.label_ids,
            **self.extra,
            **self.unparsed,
        }
