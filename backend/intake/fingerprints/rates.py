"""How many matches chance alone explains: from sizes and bits, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """A comparison in numbers: `probes` and `theirs` are distinct fingerprints, `matched` our acts that were found.

    A fingerprint of ours that the other platform did not make for the same person, mode and bucket equals one of theirs
    with probability theirs / 2^bits, since both are values of a keyed digest.
    """

    bits: int
    acts: int
    probes: int
    theirs: int
    matched: int

    @property
    def false_rate(self) -> float:
        """The probability that one fingerprint of ours meets one of theirs by chance."""
        return self.theirs / (1 << self.bits)

    @property
    def by_chance(self) -> float:
        """The fingerprints of ours expected to meet one of theirs by chance: probes · theirs / 2^bits."""
        return self.probes * self.false_rate

    @property
    def false_share(self) -> float:
        """The share of the matched acts that chance explains, at most 1; 0 where nothing matched."""
        return min(1.0, self.by_chance / self.matched) if self.matched else 0.0

    def cover(self, buckets: int, modes: int) -> float:
        """The false hits of somebody with the key who tries every bucket and mode of a person not in the file.

        The smaller, the more a file tells about a person whose number is known: the price of fewer false matches.
        """
        return buckets * modes * self.false_rate
