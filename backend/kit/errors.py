"""Refusals as classes: a stable code, a kind, the facts of the case, a sentence in Chinese and one in English."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class Kind(enum.Enum):
    """What sort of refusal it is; maps once to an HTTP status and once to an exit code."""

    MALFORMED = (400, 2)
    INVALID = (422, 2)
    UNAUTHENTICATED = (401, 3)
    FORBIDDEN = (403, 3)
    NOT_FOUND = (404, 4)
    CONFLICT = (409, 5)
    GONE = (410, 5)
    TOO_LARGE = (413, 2)
    RATE_LIMITED = (429, 6)
    UNAVAILABLE = (503, 7)

    @property
    def http_status(self) -> int:
        return self.value[0]

    @property
    def exit_code(self) -> int:
        return self.value[1]


class DomainError(Exception):
    """The request cannot be met."""

    code: ClassVar[str] = "kit.refused"
    kind: ClassVar[Kind] = Kind.INVALID
    title_zh: ClassVar[str] = "请求无法满足。"
    ours: ClassVar[bool] = (
        False  # its facts are names out of our packs, told also where the caller used the same words
    )

    def message(self, language: Language = "en") -> str:
        """The sentence for people: the class's title with the facts behind it."""
        title = self.title_zh if language == "zh" else title_en(type(self))
        facts = self.facts()
        if not facts:
            return title
        listed = ", ".join(f"{name}={value}" for name, value in facts.items())
        return f"{title}（{listed}）" if language == "zh" else f"{title} ({listed})"

    def facts(self) -> dict[str, Any]:
        """The fields of the case, by name; never secret, never personal."""
        if not dataclasses.is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __str__(self) -> str:
        return f"{self.code}: {self.message('en')}"


def title_en(error: type[DomainError]) -> str:
    """The first sentence of the class's docstring, which is its English title."""
    return (inspect.getdoc(error) or error.code).split("\n", 1)[0]
