"""`python -m tests.bad_answers.fuzz_csv 60`: for a minute, random CSV in random pieces against the csv module.

No part of the test run. It grows its inputs by mutation, and keeps those that had the most different shapes of records.
"""

from __future__ import annotations

import csv
import io
import random
import sys
import time

from ac_sms_async.downloads.csv_parser import CsvParser

ALPHABET = [
    '"',
    '""',
    ",",
    "\n",
    "\r",
    "\r\n",
    "a",
    " ",
    "\u00e9",
    "\U0001f600",
    "\u2028",
    "\x00",
    "\x85",
    "\x0b",
    ";",
    "\ufeff",
]
KEPT = 200


def expected(text: str) -> list[list[str]] | None:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return None


def parsed(data: bytes, draw: random.Random) -> list[list[str]] | None:
    parser = CsvParser()
    records: list[list[str]] = []
    at = 0
    while at < len(data):
        size = draw.choice((1, 1, 2, 3, draw.randrange(1, len(data) + 1)))
        records += parser.feed(data[at : at + size])
        at += size
    whole, cut = parser.finish()
    return None if parser.error is not None else records + whole + cut


def mutated(text: str, draw: random.Random) -> str:
    pieces = list(text)
    for _ in range(draw.randrange(1, 5)):
        at = draw.randrange(len(pieces) + 1)
        if draw.random() < 0.3:
            del pieces[at : at + draw.randrange(1, 6)]
        elif draw.random() < 0.2:
            pieces[at:at] = pieces[: draw.randrange(20)]
        else:
            pieces[at:at] = draw.choice(ALPHABET)
    return "".join(pieces)[:400]


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    draw = random.Random(sys.argv[2] if len(sys.argv) > 2 else None)
    corpus: dict[tuple[int, ...], str] = {(): ""}
    ends, tried = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        text = mutated(draw.choice(list(corpus.values())), draw)
        should = expected(text)
        found = parsed(text.encode(), draw)
        tried += 1
        # A byte order mark at the very start belongs to the encoding, not to the text.
        if found != should and not text.startswith("\ufeff"):
            print(f"DIFFERENT after {tried:,}: {text!r}\n  csv module: {should!r}\n  ours:       {found!r}")
            return 1
        if len(corpus) < KEPT or draw.random() < 0.01:
            corpus[tuple(len(record) for record in should or [])] = text
            if len(corpus) > KEPT:
                del corpus[draw.choice(list(corpus))]
    print(f"{tried:,} files, {len(corpus)} shapes of them at the end, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
