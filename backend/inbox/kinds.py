"""What can be told, worded in two languages; registered by whoever tells it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Literal


class Topic(enum.StrEnum):
    """What a citizen can choose to be told of; `account` cannot be switched off."""

    ACCOUNT = "account"  # who signed in, what changed, who looked
    POINTS = "points"  # what lapses, what was taken back
    REDEMPTIONS = "redemptions"
    ACTS = "acts"  # what is held, what became of an appeal
    PROGRAMMES = "programmes"  # seasons, draws, events


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message. The texts name facts as `$points`; a fact that is missing stays as it is written."""

    name: str
    topic: Topic
    zh: str
    en: str

    def worded(self, facts: Mapping[str, object], language: Literal["zh", "en"]) -> str:
        """The sentence with its facts."""
        return Template(self.zh if language == "zh" else self.en).safe_substitute(facts)


_KINDS: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known; the same one again changes nothing, another one of that name is a mistake."""
    for one in kinds:
        if _KINDS.setdefault(one.name, one) != one:
            raise ValueError(f"two kinds of messages are called {one.name}")


def registered() -> list[Kind]:
    """Every kind that anybody registered, by name."""
    return [_KINDS[name] for name in sorted(_KINDS)]


def kind_of(name: str) -> Kind | None:
    """The kind of this name, None where nobody registered it (any more)."""
    return _KINDS.get(name)
