"""The models of what is sent and read, as generated from the vendor's document."""

from ac_sms_async.lowlevel import models
from ac_sms_async.lowlevel.models import *  # noqa: F403 - the list of names is generated with them

__all__: list[str] = []
__all__ += models.__all__
