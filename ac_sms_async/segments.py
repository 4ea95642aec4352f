"""How many segments a text message will take: an estimate, by the rules that all carriers share.

What nobody outside can know: how ActiveCampaign bills a segment in each country, how long a merge tag becomes for a
contact, and how long a shortened link is. `SegmentEstimate` says which of these a body depends on.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from attrs import frozen

__all__ = ["SegmentEstimate", "estimate_segments", "has_link"]

_GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Sent as an escape and a character, so each costs two units."""

_OPT_OUT_NOTICE: Final = "\nReply STOP to opt out. "
"""The longest form seen of what is appended, once per contact in 30 days, where the body does not say STOP."""
_OPT_OUT_WORD: Final = re.compile(r"\bSTOP\b", re.IGNORECASE)
_MERGE_TAG: Final = re.compile(r"%[A-Za-z][A-Za-z0-9_.:|-]*%")
_LINK: Final = re.compile(r"https?://\S+", re.IGNORECASE)


@frozen
class SegmentEstimate:
    """What a body will take on the wire, for one recipient."""

    encoding: Literal["GSM-7", "UCS-2"]
    """GSM-7 packs 160 characters into one segment; one character outside it makes the whole message UCS-2 (70)."""
    units: int
    """Length in units of the encoding: an extension character (`€`, `{`) counts 2 in GSM-7, an emoji 2 in UCS-2."""
    segments: int
    """Segments of the body as it stands."""
    most_segments: int
    """Segments for a recipient who also gets the opt-out notice; equals `segments` when the body says STOP itself."""
    forcing_ucs2: tuple[str, ...]
    """The characters that GSM-7 lacks, each once: replace them to make the message cheaper."""
    merge_tags: tuple[str, ...]
    """Tags that are filled in for each contact, so that the real length differs."""
    links: tuple[str, ...]
    """Links, whose length changes when link tracking shortens them."""

    @property
    def is_exact(self) -> bool:
        """True when nothing is filled in, shortened or appended at send time."""
        return not self.merge_tags and not self.links and self.segments == self.most_segments


def has_link(body: str) -> bool:
    """Whether there is anything to click on in a message."""
    return _LINK.search(body) is not None


def estimate_segments(body: str) -> SegmentEstimate:
    """Estimate the segments of a message body before it is sent. Nothing is sent and no operation is called.

    `body` is the text as given to `broadcasts.create`. Counting follows GSM 03.38: 160 units in a single GSM-7 segment
    and 153 in each of several, 70 and 67 in UCS-2; a two-unit character is never split between segments. Credits differ
    by country and are not known here.
    """
    forcing = tuple(dict.fromkeys(c for c in body if c not in _GSM_BASIC and c not in _GSM_EXTENSION))
    costs = _unit_costs(body, ucs2=bool(forcing))
    segments = _pack(costs, ucs2=bool(forcing))
    most = segments
    if not _OPT_OUT_WORD.search(body):
        most = _pack(_unit_costs(body + _OPT_OUT_NOTICE, ucs2=bool(forcing)), ucs2=bool(forcing))
    return SegmentEstimate(
        encoding="UCS-2" if forcing else "GSM-7",
        units=sum(costs),
        segments=segments,
        most_segments=most,
        forcing_ucs2=forcing,
        merge_tags=tuple(dict.fromkeys(_MERGE_TAG.findall(body))),
        links=tuple(dict.fromkeys(_LINK.findall(body))),
    )


def _unit_costs(text: str, *, ucs2: bool) -> list[int]:
    if ucs2:
        return [2 if ord(character) > 0xFFFF else 1 for character in text]
    return [2 if character in _GSM_EXTENSION else 1 for character in text]


def _pack(costs: list[int], *, ucs2: bool) -> int:
    single, several = (70, 67) if ucs2 else (160, 153)
    if sum(costs) <= single:
        return 1
    segments, used = 1, 0
    for cost in costs:
        if used + cost > several:
            segments, used = segments + 1, 0
        used += cost
    return segments
