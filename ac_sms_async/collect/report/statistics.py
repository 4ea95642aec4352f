"""What numbers can bear: bounds of rates, what is usual for an account, and what can't be chance.

Broadcasts differ: at a hundred thousand messages each, chance alone would call all of them unusual. So what is usual
is measured between broadcasts, and chance only comes on top of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from statistics import NormalDist, median
from typing import Self

from attrs import frozen

__all__ = ["FEW", "Pair", "Usual", "change_is_real", "limit", "shrunk", "weight_of_mean", "wilson"]

Pair = tuple[int, int]
"""A part and its whole: clicks and messages delivered, of one broadcast."""

FEW = 12
"""With fewer broadcasts nobody knows what is usual."""
_FEW_TO_COMPARE = 5
"""Broadcasts on each side, to say of a change that it isn't chance."""
_Z = 1.96
_UNUSUAL = 4.0
_FALSE_ALARMS = 0.01
"""How often a page may cry without a cause."""
_RATES = 5
_SCALE = 1.4826
"""From a median deviation to a standard deviation."""
_TENTH = 1.645
"""Nine of ten are nearer to the middle than so many standard deviations."""
_HALVINGS = 20
_NO_WEIGHT_KNOWN = 100.0


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Between which two rates the true one is, for a part that can't be larger than its whole (95 %, Wilson)."""
    if whole <= 0:
        return 0.0, 1.0
    rate = min(part / whole, 1.0)
    square = _Z * _Z / whole
    middle = (rate + square / 2) / (1 + square)
    half = _Z * math.sqrt(rate * (1 - rate) / whole + square / (4 * whole)) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def weight_of_mean(pairs: Sequence[Pair]) -> tuple[float, float]:
    """The mean rate of an account's broadcasts, and how many messages of a broadcast it weighs as much as.

    By moments, as a gamma prior of a Poisson rate: where broadcasts differ little, the mean weighs much.
    """
    known = [(part, whole) for part, whole in pairs if whole > 0]
    messages = sum(whole for _, whole in known)
    if not messages:
        return 0.0, _NO_WEIGHT_KNOWN
    mean = sum(part for part, _ in known) / messages
    if len(known) < _FEW_TO_COMPARE or not mean:
        return mean, _NO_WEIGHT_KNOWN
    spread = sum(whole * (part / whole - mean) ** 2 for part, whole in known) / messages
    # What chance alone would make of it.
    spread -= mean * len(known) / messages
    return mean, mean / max(spread, mean / 1e6)


def shrunk(part: int, whole: int, mean: float, weight: float) -> float:
    """The rate of a broadcast, drawn towards the account's mean as far as it has few messages."""
    return (part + mean * weight) / (whole + weight)


def _away(part: int, whole: int, usual: float, *, each_once: bool) -> float:
    """How far a rate is from the usual one, on a scale where chance makes it vary alike, small or large."""
    if each_once:
        rate, expected = ((min(count, whole) + 0.375) / (whole + 0.75) for count in (part, usual * whole))
        return math.asin(math.sqrt(rate)) - math.asin(math.sqrt(expected))
    return math.sqrt((part + 0.375) / whole) - math.sqrt((usual * whole + 0.375) / whole)


@frozen
class Usual:
    """What is usual between an account's broadcasts: the middle rate, and how far broadcasts are from it."""

    rate: float
    """Half of the messages are of broadcasts with a lower rate."""
    broadcasts: int
    spread: float
    each_once: bool

    @classmethod
    def of(cls, pairs: Sequence[Pair], *, each_once: bool) -> Self | None:
        """Of these broadcasts; None where they are too few. `each_once`: a part can't be larger than its whole."""
        known = [(part, whole) for part, whole in pairs if whole > 0]
        if len(known) < FEW:
            return None
        rate = _middle(known)
        places = [(_away(part, whole, rate, each_once=each_once), 1 / (4 * whole)) for part, whole in known]
        return cls(rate, len(known), _spread(places), each_once)

    def score(self, part: int, whole: int) -> float:
        """How unusual a broadcast is, in standard deviations: below 0 where its rate is low."""
        away = _away(part, whole, self.rate, each_once=self.each_once)
        return away / math.sqrt(self.spread + 1 / (4 * whole))


def _middle(pairs: Sequence[Pair]) -> float:
    """The middle rate by messages: one of few messages is often 0 or 1, and says little."""
    rates = sorted((part / whole, whole) for part, whole in pairs)
    half = sum(whole for _, whole in rates) / 2
    return next(rate for (rate, _), below in zip(rates, accumulate(w for _, w in rates), strict=True) if below >= half)


def _spread(places: Sequence[tuple[float, float]]) -> float:
    """The variance between broadcasts that, beside chance, makes them as far from the middle as they are."""
    low, high = 0.0, max(away * away for away, _ in places)
    if _scale(places, low) <= 1:
        return 0.0
    for _ in range(_HALVINGS):
        between = (low + high) / 2
        low, high = (between, high) if _scale(places, between) > 1 else (low, between)
    return high


def _scale(places: Sequence[tuple[float, float]], between: float) -> float:
    """How far broadcasts are from the middle, in standard deviations; a few that are far off don't count."""
    away = sorted(abs(place) / math.sqrt(between + chance) for place, chance in places)
    # Where most are alike their median says nothing of the others.
    return max(_SCALE * median(away), away[int(0.9 * len(away))] / _TENTH)


def limit(tests: int) -> float:
    """The score above which a broadcast is unusual, when so many are looked at."""
    return max(_UNUSUAL, NormalDist().inv_cdf(1 - _FALSE_ALARMS / (2 * max(tests, 1))))


def change_is_real(now: Sequence[Pair], before: Sequence[Pair]) -> bool | None:
    """Whether the rate of all together has changed by more than broadcasts differ anyway; None: too few to tell."""
    sides = [[(part, whole) for part, whole in pairs if whole > 0] for pairs in (now, before)]
    fewest = min(map(len, sides))
    if fewest < _FEW_TO_COMPARE:
        return None
    (rate, varies), (rate_before, varied) = map(_rate_and_variance, sides)
    if rate == rate_before:
        return False
    # Welch's degrees of freedom: the sides may differ in how many they are, and in how much they vary.
    freedom = (varies + varied) ** 2 / (varies**2 / (len(sides[0]) - 1) + varied**2 / (len(sides[1]) - 1))
    return abs(rate - rate_before) / math.sqrt(varies + varied) > _student(freedom)


def _rate_and_variance(pairs: Sequence[Pair]) -> tuple[float, float]:
    whole, count = sum(messages for _, messages in pairs), len(pairs)
    rate = sum(part for part, _ in pairs) / whole
    between = sum((part - rate * messages) ** 2 for part, messages in pairs) / whole**2 * count / (count - 1)
    # Broadcasts may be alike by chance, but chance itself can't be less than this.
    return rate, max(between, rate * abs(1 - rate) / whole, 1 / (4 * whole * whole))


def _student(freedom: float) -> float:
    """Student's t for this page's rates at its false alarms (an expansion in 1 / freedom, by Fisher)."""
    z = NormalDist().inv_cdf(1 - _FALSE_ALARMS / (2 * _RATES))
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
