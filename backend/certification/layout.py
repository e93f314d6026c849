"""Which frozen act stands where in the certified tree, from the few facts that a statement keeps.

Pure. The certified leaves are the carry, if any, then the frozen acts without those that keep nothing, up to where the
deduction cuts. So a place in one tree follows from the place in the other by counting dropped acts, and no second copy
of the leaves is stored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.certification.sumtree import Leaf


@dataclass(frozen=True)
class Layout:
    """`keeps` gives, by frozen position, the grams of acts with findings.

    `kept_acts` frozen acts lie before the cut, and the last of them keeps `last_keeps_g` (None: all that it has).
    """

    carry: Leaf | None
    keeps: Mapping[int, int]
    kept_acts: int
    last_keeps_g: int | None
    _dropped: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        dropped = sorted(at for at, grams in self.keeps.items() if grams == 0 and at < self.kept_acts)
        object.__setattr__(self, "_dropped", tuple(dropped))

    @property
    def before(self) -> int:
        """How many leaves stand before the acts."""
        return 0 if self.carry is None else 1

    @property
    def leaves(self) -> int:
        """How many leaves the certified tree has."""
        return self.before + self.kept_acts - len(self._dropped)

    def index_of(self, position: int) -> int | None:
        """The leaf of a frozen act, None when the act keeps nothing."""
        if position >= self.kept_acts or self.keeps.get(position) == 0:
            return None
        return self.before + position - bisect_left(self._dropped, position)

    def position_of(self, index: int) -> int | None:
        """The frozen act of a leaf, None for the carry."""
        if index < self.before:
            return None
        place = index - self.before
        shifted = [at - before for before, at in enumerate(self._dropped)]
        return place + bisect_right(shifted, place)

    def grams_of(self, position: int, frozen_g: int) -> int:
        """What a frozen act keeps."""
        if position >= self.kept_acts:
            return 0
        if position == self.kept_acts - 1 and self.last_keeps_g is not None:
            return self.last_keeps_g
        return self.keeps.get(position, frozen_g)


def lay_out(
    *, carry: Leaf | None, grams: Sequence[int] | np.ndarray, keeps: Mapping[int, int], deduction_g: int
) -> Layout:
    """The layout that findings and a deduction give over the frozen grams."""
    kept = np.array(grams, dtype=np.int64)
    for position, left in keeps.items():
        kept[position] = left
    ends = np.cumsum(kept)
    left = int(ends[-1]) - deduction_g
    kept_acts = int(np.searchsorted(ends, left, side="left")) + 1 if left else 0
    before = int(ends[kept_acts - 2]) if kept_acts > 1 else 0
    return Layout(
        carry=carry, keeps=dict(keeps), kept_acts=kept_acts, last_keeps_g=left - before if left else 0
    )
