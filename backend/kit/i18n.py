"""Which of the two languages the present request is answered in."""

from __future__ import annotations

from contextvars import ContextVar

from backend.kit.errors import Language

TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}

_language: ContextVar[Language] = ContextVar("language", default="zh")


def language() -> Language:
    """The language of the present request or task; Chinese unless English was asked for."""
    return _language.get()


def speak(chosen: Language) -> None:
    """Answer in `chosen` for the rest of the present request or task."""
    _language.set(chosen)


def preferred(accept_language: str, default: Language = "zh") -> Language:
    """The language that an `Accept-Language` header (RFC 9110) weighs highest; `default` on a tie or nonsense."""
    weights: dict[Language, float] = {}
    for entry in accept_language[:500].split(","):
        tag, _, parameters = entry.strip().partition(";")
        primary = tag.split("-", 1)[0].lower()
        weight = _weight(parameters)
        if primary == "zh" or (primary == "*" and default == "zh"):
            weights["zh"] = max(weights.get("zh", 0.0), weight)
        elif primary in {"en", "*"}:
            weights["en"] = max(weights.get("en", 0.0), weight)
    other: Language = "en" if default == "zh" else "zh"
    return other if weights.get(other, 0.0) > weights.get(default, 0.0) else default


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
