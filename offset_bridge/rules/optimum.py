"""The most tonnes at once under limits and one share, and which lots, exactly and always the same ones.

The limits are nested or disjoint sets of lots ("not more than so many tonnes of these"), so taking greedily in any
order gives each beginning of that order its greatest total. A share asks that `of` be at least a part of `of + rest`;
more of `of` never hurts it. Taking first `of`, then lots outside the share, then `rest` as far as the share carries is
therefore optimal: no choice has more of the first two together, and none has a share that carries more `rest`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from offset_bridge.rules.errors import RulesUnsupported

Role = Literal["of", "free", "rest"]
_ORDER: tuple[Role, ...] = ("of", "free", "rest")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `room_t` further tonnes of the lots that name this limit."""

    id: str
    room_t: int


@dataclass(frozen=True, slots=True)
class Share:
    """What is used of `of` must be at least this part of what is used of `of` and `rest` together."""

    at_least: Fraction
    of_used_t: int = 0
    rest_used_t: int = 0

    def carries(self, of_t: int) -> int | None:
        """How much `rest` this much `of` carries, in whole tonnes; None when there is no bound."""
        if self.at_least <= 0:
            return None
        numerator, denominator = self.at_least.numerator, self.at_least.denominator
        return (denominator - numerator) * of_t // numerator


@dataclass(frozen=True, slots=True)
class Offer:
    """Tonnes that may be taken. Offers are handed over in the order in which they are preferred."""

    id: str
    tonnes: int
    limits: frozenset[str]
    role: Role = "free"


_Group = tuple[Role, frozenset[str]]  # offers alike in role and limits are interchangeable


@dataclass
class _State:
    """What is decided so far: tonnes left per group, room left per limit, tonnes taken per role."""

    left: dict[_Group, int]
    room: dict[str, int]
    share: Share | None
    taken: Counter[Role] = field(default_factory=Counter)

    def take(self, group: _Group, tonnes: int) -> _State:
        after = _State(dict(self.left), dict(self.room), self.share, Counter(self.taken))
        after.left[group] -= tonnes
        after.taken[group[0]] += tonnes
        for limit in group[1]:
            after.room[limit] -= tonnes
        return after

    def most(self) -> int | None:
        """The greatest total that extends what is decided; None when nothing that keeps the rules does."""
        room = dict(self.room)
        if any(tonnes < 0 for tonnes in room.values()):
            return None
        taken = Counter(self.taken)
        for role in _ORDER:
            bound = None
            if role == "rest" and self.share is not None:
                bound = self.share.carries(self.share.of_used_t + taken["of"])
                if bound is not None:
                    bound -= self.share.rest_used_t + taken["rest"]
                    if bound < 0:
                        return None
            for (its_role, limits), left in self.left.items():
                if its_role != role:
                    continue
                tonnes = min([left, *(room[limit] for limit in limits), *([] if bound is None else [bound])])
                taken[role] += tonnes
                bound = None if bound is None else bound - tonnes
                for limit in limits:
                    room[limit] -= tonnes
        return sum(taken.values())


def choose(
    offers: Sequence[Offer], *, limits: Sequence[Limit], share: Share | None = None
) -> Mapping[str, int] | None:
    """Tonnes to take of each offer: the greatest total, and of those the most of the first offer, then the second ….

    None when not even taking nothing keeps the share and nothing on offer repairs it. `RulesUnsupported` when two
    limits cross. A limit without room simply gives nothing.
    """
    _check_nested(offers)
    room = {limit.id: max(0, limit.room_t) for limit in limits}
    left: Counter[_Group] = Counter()
    for offer in offers:
        left[(offer.role, offer.limits)] += offer.tonnes
    state = _State(dict(left), room, share)
    best = state.most()
    if best is None:
        return None
    chosen: dict[str, int] = {}
    closed: set[_Group] = set()
    for offer in offers:
        group = (offer.role, offer.limits)
        tonnes = 0 if group in closed else _deepest(state, group, offer.tonnes, best)
        if tonnes < offer.tonnes:
            closed.add(group)  # one more tonne of this group, from whichever offer, would lose elsewhere
        state = state.take(group, tonnes) if tonnes else state
        chosen[offer.id] = tonnes
    return chosen


def _deepest(state: _State, group: _Group, tonnes: int, best: int) -> int:
    """The most of `tonnes` that can be fixed without losing the best total. Fixing more is never easier."""
    if state.take(group, tonnes).most() == best:
        return tonnes
    low, high = 0, tonnes
    while high - low > 1:
        middle = (low + high) // 2
        if state.take(group, middle).most() == best:
            low = middle
        else:
            high = middle
    return low


def _check_nested(offers: Sequence[Offer]) -> None:
    kinds = list(dict.fromkeys(offer.limits for offer in offers))
    of_limit: dict[str, set[int]] = {}
    for place, limits in enumerate(kinds):
        for limit in limits:
            of_limit.setdefault(limit, set()).add(place)
    names = sorted(of_limit)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            one, other = of_limit[first], of_limit[second]
            if one & other and not (one <= other or other <= one):
                raise RulesUnsupported(first=first, second=second)
