"""The contacts of an account: invented people, some with names and numbers that break careless readers."""

from __future__ import annotations

from attrs import frozen

from ac_sms_async.sandbox.draw import Draw

_FIRST = (
    "Ada", "Alan", "Barbara", "Björn", "Chloé", "Dennis", "Edsger", "Fatima", "Grace", "Guido", "Hedy", "Ingrid",
    "José", "Katherine", "Linus", "Margaret", "Niklaus", "Olga", "Priya", "Radia", "Søren", "Tim", "Ursula", "Wei",
)  # fmt: skip
_LAST = (
    "Allen", "Bartik", "Conway", "Dijkstra", "Engelbart", "Feinler", "García", "Hopper", "Ibrahim", "Johnson",
    "Kay", "Lamarr", "Müller", "Nguyen", "O'Brien", "Perlman", "Quinn", "Ritchie", "Sørensen", "Turing", "Vaughan",
    "Wirth", "Yılmaz", "Zhang",
)  # fmt: skip
# One in a hundred: what real address books hold, and what CSV and HTML writers get wrong.
_ODD = ('{0} "Ace" {1}', "{1}, {0}", "{0}\n{1}", "{0} 🌻 {1}", "", "{0}; {1}", " {0} {1} ", "<b>{0}</b> {1}")


@frozen
class Contact:
    """One person. `phone` is as somebody typed it; it can be empty."""

    id: int
    name: str
    phone: str
    email: str


class People:
    """All contacts that an account ever sends to, by id from 1."""

    def __init__(self, *key: object) -> None:
        self._draw = Draw(*key, "people")

    def contact(self, contact_id: int) -> Contact:
        one, two, three, _ = self._draw.at(contact_id)
        first = _FIRST[one % len(_FIRST)]
        last = _LAST[two % len(_LAST)]
        name = f"{first} {last}"
        # 555 is no area code: nobody has such a number.
        phone = f"+1555{contact_id % 10_000_000:07d}"
        if three % 100 == 0:
            name = _ODD[one // 100 % len(_ODD)].format(first, last)
        elif three % 100 == 1:
            phone = "" if two // 100 % 4 == 0 else f"555 {contact_id // 10_000 % 1000:03d} {contact_id % 10_000:04d}"
        return Contact(contact_id, name, phone, f"contact{contact_id}@example.com")
