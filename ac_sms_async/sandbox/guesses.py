"""What is only guessed of the real server: each guess is a switch, so that an app can be tried under either answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from attrs import asdict, field, fields, frozen, validators


def _switch(*values: str | int) -> Any:
    """A field that takes these values, of which the first is what the sandbox does unless told."""
    return field(default=values[0], validator=validators.in_(values), metadata={"values": values})


@frozen(kw_only=True)
class Guesses:
    """
    How the sandbox behaves where nobody outside knows how the real server does.

    `order`: what a list begins with where no order is asked for, "oldest" or "newest".
    `page_cap`: the most rows of a page, however many are asked for: 100, or any other number.
    `page_start`: a page begins at its "offset", or at the last "multiple" of the limit before it.
    `date_filter`: the day that the list's dates look at, that on which a broadcast was "sent" (else is scheduled for,
    else was created), or always that on which it was "created".
    `missing`: the status for a broadcast or an AI request that there is not, 404 or 403.
    `refused`: the status for a wrong token, 403 or 401.
    `ai_id`: when the status of an AI request names its broadcast: with its "success", "at_once", or "later", as long
    after the success as it took to get there.
    """

    order: str = _switch("oldest", "newest")
    page_cap: int = field(default=100, validator=validators.ge(1), metadata={"values": (100, 30)})
    page_start: str = _switch("offset", "multiple")
    date_filter: str = _switch("sent", "created")
    missing: int = _switch(404, 403)
    refused: int = _switch(403, 401)
    ai_id: str = _switch("success", "at_once", "later")

    @classmethod
    def read(cls, texts: Iterable[str]) -> Self:
        """From texts such as "order=newest"; ValueError names what there is."""
        known = {each.name: each for each in fields(cls)}
        texts = tuple(texts)
        given: dict[str, Any] = {}
        for text in texts:
            name, _, value = text.partition("=")
            if name not in known:
                raise ValueError(f"no such guess: {text!r}; there are {', '.join(known)}")
            default = known[name].default
            if isinstance(default, int) and not value.isdecimal():
                raise ValueError(f"{name} is a number, not {value!r}")
            given[name] = int(value) if isinstance(default, int) else value
        try:
            return cls(**given)
        except ValueError:
            raise ValueError(f"a guess can't be {' '.join(texts)}; there are {', '.join(cls.texts())}") from None

    @classmethod
    def texts(cls) -> list[str]:
        """Every guess with each value to try it with, as `read` takes them: the sandbox's own value first."""
        return [f"{each.name}={value}" for each in fields(cls) for value in each.metadata["values"]]

    @classmethod
    def others(cls) -> list[str]:
        """The same without the sandbox's own values."""
        own = {f"{name}={value}" for name, value in asdict(cls()).items()}
        return [text for text in cls.texts() if text not in own]
