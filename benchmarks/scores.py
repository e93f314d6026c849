"""From what was true of each line and what became of it to precision and recall.

A line is *hit* when it did not count in full: held, refused, a duplicate, or trimmed by a cap. Of two lines of which one
must be false, no platform can know which: a false line is found when it or its twin is hit, and an honest twin that was
hit in its place stays an honest hit, told apart as `swapped`. Nothing here reads a file or a database.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simulation import HONEST, NO_ACT, PATTERNS, Label

ACCEPTED = ""
DUPLICATE = "duplicate"  # of these the platform keeps no line
SWAPPED = "swapped"
_ORDER = {pattern.name: place for place, pattern in enumerate(PATTERNS)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line that reports an act: its label, what kind of trip it was, and what hit it (empty: it counts in full)."""

    label: str
    kind: str
    by: str = ACCEPTED


@dataclass(slots=True)
class Tally:
    """Lines that were there and lines that were hit, with what hit them."""

    lines: int = 0
    by: Counter[str] = field(default_factory=Counter)

    @property
    def hit(self) -> int:
        return self.by.total()

    @property
    def share(self) -> float | None:
        """The share of the lines that was hit; None of no lines."""
        return self.hit / self.lines if self.lines else None

    def add(self, by: str) -> None:
        self.lines += 1
        if by != ACCEPTED:
            self.by[by] += 1


@dataclass(slots=True)
class Score:
    """What the screens found in one or several cities.

    `patterns` by pattern of fraud, in their own order, and `honest` by kind of honest trip, the most frequent first.
    """

    patterns: dict[str, Tally] = field(default_factory=dict)
    honest: dict[str, Tally] = field(default_factory=dict)

    @property
    def all_honest(self) -> Tally:
        return _sum(self.honest.values())

    @property
    def all_fraud(self) -> Tally:
        return _sum(self.patterns.values())

    def precision(self, pattern: str) -> float | None:
        """Of the lines hit by what found this pattern, the share that it is of itself and honest lines together.

        Other patterns are left out: what found them found no wrong line. None where nothing found the pattern.
        """
        found = self.patterns[pattern]
        if not found.hit:
            return None
        honest = sum(number for by, number in self.all_honest.by.items() if by in found.by)
        return found.hit / (found.hit + honest)

    def screens(self) -> dict[str, tuple[int, int]]:
        """What hit anything, with how many dishonest and how many honest lines; the most hits first."""
        bad, good = self.all_fraud.by, self.all_honest.by
        return {
            by: (bad[by], good[by])
            for by in sorted(bad.keys() | good.keys(), key=lambda by: (-bad[by] - good[by], by))
        }

    def as_dict(self) -> dict[str, object]:
        """Counts and shares, rounded to four places, as the JSON report tells them."""
        honest = self.all_honest
        return {
            "patterns": {
                name: {
                    "acts": tally.lines,
                    "hit": tally.hit,
                    "recall": _rounded(tally.share),
                    "precision": _rounded(self.precision(name)),
                    "by": dict(tally.by.most_common()),
                }
                for name, tally in self.patterns.items()
            },
            "fraud": {
                "acts": self.all_fraud.lines,
                "hit": self.all_fraud.hit,
                "recall": _rounded(self.all_fraud.share),
            },
            "honest": {
                "acts": honest.lines,
                "hit": honest.hit,
                "share": _rounded(honest.share),
                "by": dict(honest.by.most_common()),
                "kinds": {
                    name: {"acts": tally.lines, "hit": tally.hit, "share": _rounded(tally.share)}
                    for name, tally in self.honest.items()
                },
            },
            "screens": {
                by: {"fraud": bad, "honest": good, "precision": _rounded(bad / (bad + good))}
                for by, (bad, good) in self.screens().items()
            },
        }


def judged(labels: Iterable[Label], hits: Mapping[tuple[str, int], str]) -> list[Outcome]:
    """What became of each act. `hits` by file and line; a line that is missing there was a duplicate."""
    acts = [label for label in labels if label.label != NO_ACT]
    by = {label.trip: hits.get((label.file, label.line), DUPLICATE) for label in acts}
    spared = {
        label.twin
        for label in acts
        if label.label != HONEST and label.twin is not None and by[label.trip] == ACCEPTED
    }
    outcomes = []
    for label in acts:
        what, kind = by[label.trip], label.kind
        if label.label != HONEST and what == ACCEPTED and label.twin is not None:
            what = by.get(label.twin, ACCEPTED)
        elif label.label == HONEST and what != ACCEPTED and label.trip in spared:
            kind = SWAPPED
        outcomes.append(Outcome(label.label, kind, what))
    return outcomes


def score(outcomes: Iterable[Outcome]) -> Score:
    """Count the outcomes of one city."""
    found = Score()
    for one in outcomes:
        side = found.honest if one.label == HONEST else found.patterns
        name = one.kind if one.label == HONEST else one.label
        side.setdefault(name, Tally()).add(one.by)
    return _in_order(found)


def together(scores: Sequence[Score]) -> Score:
    """Several cities as one."""
    whole = Score()
    for part in scores:
        for mine, theirs in ((whole.patterns, part.patterns), (whole.honest, part.honest)):
            for name, tally in theirs.items():
                mine[name] = _sum((mine.get(name, Tally()), tally))
    return _in_order(whole)


def _in_order(found: Score) -> Score:
    names = sorted(found.patterns, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
    kinds = sorted(found.honest, key=lambda kind: (-found.honest[kind].lines, kind))
    return Score({name: found.patterns[name] for name in names}, {kind: found.honest[kind] for kind in kinds})


def tables(found: Score, *, width: int = 80) -> list[str]:
    """The report as lines of at most `width` columns (46 or more); what found a pattern stands beside it where it fits."""
    wide = width >= 84
    head = f"{'pattern':<22}{'acts':>6}{'hit':>5}{'recall':>7}{'prec.':>6}"
    lines = ["各方式 · Per pattern", head + ("  by" if wide else "")]
    for name, tally in found.patterns.items():
        row = f"{name:<22}{tally.lines:>6}{tally.hit:>5}{percent(tally.share):>7}"
        row += f"{percent(found.precision(name)):>6}"
        by = ", ".join(f"{what} {number}" for what, number in tally.by.most_common())
        lines.append(_cut(f"{row}  {by}" if wide and by else row, width))
    fraud = found.all_fraud
    lines.append(f"{'all':<22}{fraud.lines:>6}{fraud.hit:>5}{percent(fraud.share):>7}")
    honest = found.all_honest
    lines += ["", "诚实出行 · Honest trips", f"{'kind':<22}{'acts':>7}{'hit':>6}{'share':>9}"]
    for name, tally in [*found.honest.items(), ("all", honest)]:
        lines.append(f"{name:<22}{tally.lines:>7}{tally.hit:>6}{percent(tally.share, places=2):>9}")
    lines += ["", "各项筛查 · Per screen", f"{'hit by':<22}{'fraud':>7}{'honest':>8}{'prec.':>8}"]
    for by, (bad, good) in found.screens().items():
        lines.append(f"{_cut(by, 22):<22}{bad:>7}{good:>8}{percent(bad / (bad + good)):>8}")
    return lines


def _sum(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.lines += tally.lines
        whole.by.update(tally.by)
    return whole


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def percent(share: float | None, *, places: int = 0) -> str:
    """A share for a table."""
    return "–" if share is None else f"{share:.{places}%}"


def _cut(line: str, width: int) -> str:
    """The line, cut where it would not fit; a Chinese character takes two columns."""
    taken = 0
    for place, letter in enumerate(line):
        taken += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if taken > width:
            return line[: place - 1] + "…"
    return line
