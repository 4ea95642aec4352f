"""Numbers drawn from a seed: the nth number of a key is the same on every machine, and needs no other to be drawn."""

from __future__ import annotations

import math
from hashlib import blake2b
from struct import Struct

_FOUR_NUMBERS = Struct("<4Q")


class Draw:
    """A row of numbers for one key; any place of it can be read at once."""

    __slots__ = ("_key",)

    def __init__(self, *key: object) -> None:
        self._key = blake2b(repr(key).encode(), digest_size=32)

    def at(self, place: int) -> tuple[int, int, int, int]:
        """Four independent numbers below 2**64."""
        hashed = self._key.copy()
        hashed.update(place.to_bytes(16, "little"))
        return _FOUR_NUMBERS.unpack(hashed.digest())


class Shuffle:
    """A mixed-up order of 0..size-1 that needs no memory: `place * step + shift`, modulo size."""

    __slots__ = ("shift", "size", "step")

    def __init__(self, size: int, first: int, second: int) -> None:
        self.size: int = max(size, 1)
        # Near the golden ratio, neighbours land far from each other, and every stretch is mixed alike.
        self.step: int = self.size * 618 // 1000 + first % (self.size // 8 + 1) or 1
        while math.gcd(self.step, self.size) != 1:
            self.step += 1
        self.shift: int = second % self.size

    def __getitem__(self, place: int) -> int:
        return (place * self.step + self.shift) % self.size

    def below(self, bound: int, places: int) -> int:
        """How many of the first so many places have a number below a bound, which is at most the size."""
        shift = self.shift + self.size
        return _floors(places, self.size, self.step, shift) - _floors(places, self.size, self.step, shift - bound)


def _floors(count: int, divisor: int, step: int, shift: int) -> int:
    """The sum of `(step * i + shift) // divisor` over the first `count` whole numbers, in as many turns as Euclid's."""
    total = 0
    while count:
        total += count * (count - 1) // 2 * (step // divisor) + count * (shift // divisor)
        step, shift = step % divisor, shift % divisor
        most = step * count + shift
        count, shift = divmod(most, divisor)
        divisor, step = step, divisor
    return total


def share(total: int, ratio_low: float, ratio_high: float, number: int) -> int:
    """A part of `total` between two ratios, chosen by a drawn number."""
    ratio = ratio_low + (ratio_high - ratio_low) * (number % 10_000) / 10_000
    return round(total * ratio)
