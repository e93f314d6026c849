"""Why a case has no answer. Each becomes `{"error": {...}}` and exit code 2 of `puhui offset evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.kit.errors import DomainError, Kind


class OffsetError(DomainError):
    """The case has no answer."""

    code = "offset.refused"
    kind = Kind.INVALID
    title_zh = "无法得出结论。"

    def answer(self) -> dict[str, Any]:
        """The JSON shape: `code` without its prefix, the facts, the message in both languages, a source or null."""
        facts = self.facts()
        source = facts.pop("source", None) or None
        return {
            "code": self.code.partition(".")[2],
            **facts,
            "message_zh": self.message("zh"),
            "message_en": self.message("en"),
            "source": source,
        }


@dataclass(eq=False)
class CaseInvalid(OffsetError):
    """The case cannot be read as it is written."""

    code = "offset.invalid_input"
    title_zh = "输入不合要求。"

    field: str  # a path such as holdings[0].tonnes; never a value
    why_zh: str
    why_en: str

    def message(self, language: str = "en") -> str:
        """The place and what is expected there."""
        if language == "zh":
            return f"输入不合要求：{self.field}：{self.why_zh}。"
        return f"The input is not as required: {self.field}: {self.why_en}."

    def facts(self) -> dict[str, Any]:
        """The place only; what is expected stands in the messages."""
        return {"field": self.field}


@dataclass(eq=False)
class ParameterUnset(OffsetError):
    """A rule depends on a parameter that no source states; nothing is guessed."""

    code = "offset.unknown_parameter"
    title_zh = "规则依赖一个没有来源的参数，不作猜测。"

    parameter: str
    edition: str
    source: str

    def message(self, language: str = "en") -> str:
        """The parameter and its edition; it may be given under `parameters`."""
        if language == "zh":
            return f"版本 {self.edition} 的参数 {self.parameter} 未知，不作猜测；可在 parameters 中给出。"
        return (
            f"Parameter {self.parameter} of edition {self.edition} is unknown and not guessed; "
            "it may be given under parameters."
        )


@dataclass(eq=False)
class EditionMissing(OffsetError):
    """The market has no edition of its rules for this compliance year."""

    code = "offset.no_edition"
    title_zh = "该市场没有适用于该履约年度的规则版本。"

    market: str
    edition: str  # the year asked for
    source: str

    def message(self, language: str = "en") -> str:
        """The market and the year."""
        if language == "zh":
            return f"市场 {self.market} 没有适用于 {self.edition} 履约年度的规则版本。"
        return f"Market {self.market} has no edition of its rules for compliance year {self.edition}."


@dataclass(eq=False)
class EditionUnknown(OffsetError):
    """The market's pack has no edition of this name."""

    code = "offset.unknown_edition"
    title_zh = "该市场的规则包没有这个版本。"

    market: str
    known: tuple[str, ...]


@dataclass(eq=False)
class MarketMissing(OffsetError):
    """There is no such market here."""

    code = "offset.unknown_market"
    title_zh = "没有这个市场。"

    known: tuple[str, ...]


@dataclass(eq=False)
class UsedNeedsLots(OffsetError):
    """A bare total does not say what a rule on parts of it needs; give the used lots one by one."""

    code = "offset.used_needs_lots"
    title_zh = "只有合计数不够，规则要看其构成；请逐批列出已使用的减排量。"

    field: str
    rule: str
    source: str


@dataclass(eq=False)
class RulesUnsupported(OffsetError):
    """The limits of this pack cross each other in a way that this engine does not solve exactly."""

    code = "offset.unsupported_rules"
    title_zh = "该规则包的限额相互交叉，本引擎不能精确求解。"

    first: str
    second: str
