"""RecipientsExportRequest: Which recipients to export."""

from __future__ import annotations

import datetime
from typing import Any

from attrs import define

from ..base import Model
from ..unset import UNSET, Unset
from ..writing import write_date
from .deliverability_filter import DeliverabilityFilter
from .engagement_filter import EngagementFilter


@define(kw_only=True, eq=False, repr=False)
class RecipientsExportRequest(Model):
    """Which recipients to export. What is UNSET is left out; None clears.

    Attributes:
        start_date: First day
        end_date: Last day
        engagement: Only recipients who did one of these
        deliverability: Only recipients with one of these outcomes
        search: Search contacts by name or phone
        order: Order, as an object (its shape is not documented)
    """

    start_date: datetime.date | Unset = UNSET
    end_date: datetime.date | Unset = UNSET
    engagement: list[EngagementFilter] | Unset = UNSET
    deliverability: list[DeliverabilityFilter] | Unset = UNSET
    search: str | Unset = UNSET
    order: dict[str, Any] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        """The body to send, by wire names."""
        result: dict[str, Any] = {}
        if self.start_date is not UNSET:
            result["start_date"] = write_date(self.start_date, "start_date")
        if self.end_date is not UNSET:
            result["end_date"] = write_date(self.end_date, "end_date")
        if self.engagement is not UNSET:
            result["engagement"] = self.engagement
        if self.deliverability is not UNSET:
            result["deliverability"] = self.deliverability
        if self.search is not UNSET:
            result["search"] = self.search
        if self.order is not UNSET:
            result["order"] = self.order
        return result
