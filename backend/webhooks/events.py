"""The events that can be told, registered by the rooms in which they happen."""

from __future__ import annotations

from dataclasses import dataclass

TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event: its name, and what its data says, in two languages."""

    name: str
    about_zh: str
    about_en: str


_TYPES: dict[str, EventType] = {}


def register(*types: EventType) -> None:
    """Make events known; the same one again changes nothing, another one of that name is a mistake."""
    for one in types:
        if _TYPES.setdefault(one.name, one) != one:
            raise ValueError(f"two events are called {one.name}")


def event_types() -> list[EventType]:
    """Every event that can be told, by name."""
    return [_TYPES[name] for name in sorted(_TYPES)]


register(EventType(TEST, "测试推送，由商户自己触发。", "A test that its receiver asked for."))
