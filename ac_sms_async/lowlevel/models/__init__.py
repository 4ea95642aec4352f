"""Everything that is sent and read: request models, response models, open enums."""

from .ai_broadcast_request import AIBroadcastRequest
from .ai_broadcast_response import AIBroadcastResponse
from .ai_broadcast_status import AIBroadcastStatus
from .ai_broadcast_update_request import AIBroadcastUpdateRequest
from .ai_source import AISource
from .ai_status import AIStatus
from .broadcast_create_request import BroadcastCreateRequest
from .broadcast_create_status import BroadcastCreateStatus
from .broadcast_ids import BroadcastIds
from .broadcast_list import BroadcastList
from .broadcast_list_response import BroadcastListResponse
from .broadcast_lists_response import BroadcastListsResponse
from .broadcast_message import BroadcastMessage
from .broadcast_metrics import BroadcastMetrics
from .broadcast_metrics_response import BroadcastMetricsResponse
from .broadcast_status import BroadcastStatus
from .broadcast_update_request import BroadcastUpdateRequest
from .broadcast_update_status import BroadcastUpdateStatus
from .credits_response import CreditsResponse
from .deliverability import Deliverability
from .deliverability_filter import DeliverabilityFilter
from .engagement_filter import EngagementFilter
from .error_source import ErrorSource
from .failure_detail import FailureDetail
from .failure_details_response import FailureDetailsResponse
from .page_meta import PageMeta
from .recipient import Recipient
from .recipient_details import RecipientDetails
from .recipient_order import RecipientOrder
from .recipient_reply import RecipientReply
from .recipients_export_request import RecipientsExportRequest
from .recipients_response import RecipientsResponse
from .sms_credits import SmsCredits
from .snapshot import Snapshot
from .snapshot_response import SnapshotResponse
from .sort_direction import SortDirection
from .yes_no import YesNo

__all__ = [
    "AIBroadcastRequest",
    "AIBroadcastResponse",
    "AIBroadcastStatus",
    "AIBroadcastUpdateRequest",
    "AISource",
    "AIStatus",
    "BroadcastCreateRequest",
    "BroadcastCreateStatus",
    "BroadcastIds",
    "BroadcastList",
    "BroadcastListResponse",
    "BroadcastListsResponse",
    "BroadcastMessage",
    "BroadcastMetrics",
    "BroadcastMetricsResponse",
    "BroadcastStatus",
    "BroadcastUpdateRequest",
    "BroadcastUpdateStatus",
    "CreditsResponse",
    "Deliverability",
    "DeliverabilityFilter",
    "EngagementFilter",
    "ErrorSource",
    "FailureDetail",
    "FailureDetailsResponse",
    "PageMeta",
    "Recipient",
    "RecipientDetails",
    "RecipientOrder",
    "RecipientReply",
    "RecipientsExportRequest",
    "RecipientsResponse",
    "SmsCredits",
    "Snapshot",
    "SnapshotResponse",
    "SortDirection",
    "YesNo",
]
