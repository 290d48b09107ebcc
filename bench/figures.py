"""What a benchmark found: pairs of a measured thing and its reference, taken one after the other in one run."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["Bar", "Figure", "Of", "Pair", "Plan", "Show"]

Show = Callable[["Figure"], None]
"""Takes each figure as soon as it is there."""


class Of(enum.Enum):
    """What a bar is a limit of."""

    RATIO = "times"
    DIFFERENCE = "more"
    VALUE = "at most"


@dataclass(frozen=True)
class Bar:
    """The most that is allowed. It may be of something that nobody can reach: then ``why`` says so."""

    most: float
    of: Of = Of.RATIO


@dataclass(frozen=True)
class Pair:
    """One measurement, and the reference's beside it."""

    measured: float
    reference: float

    @property
    def ratio(self) -> float:
        """How often the reference fits into what was measured."""
        return self.measured / self.reference if self.reference else float("inf")


@dataclass(frozen=True)
class Figure:
    """A row of the table. Medians of the pairs; ``note`` says what is needed to judge it."""

    area: str
    what: str
    unit: str
    against: str
    pairs: tuple[Pair, ...]
    bar: Bar | None = None
    note: str = ""

    @property
    def measured(self) -> float:
        """The median of what was measured."""
        return median(pair.measured for pair in self.pairs)

    @property
    def reference(self) -> float:
        """The median of the references."""
        return median(pair.reference for pair in self.pairs)

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: noise that both of a pair have drops out."""
        return median(pair.ratio for pair in self.pairs)

    @property
    def difference(self) -> float:
        """The median of the pairs' differences."""
        return median(pair.measured - pair.reference for pair in self.pairs)

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None without one."""
        if self.bar is None:
            return None
        found = {Of.RATIO: self.ratio, Of.DIFFERENCE: self.difference, Of.VALUE: self.measured}[self.bar.of]
        return found <= self.bar.most

    def as_json(self) -> dict[str, Any]:
        """For a file that other programs read."""
        return {
            "area": self.area,
            "what": self.what,
            "unit": self.unit,
            "against": self.against,
            "measured": round(self.measured, 4),
            "reference": round(self.reference, 4),
            "ratio": round(self.ratio, 4),
            "difference": round(self.difference, 4),
            "bar": None if self.bar is None else {"of": self.bar.of.value, "most": self.bar.most},
            "holds": self.holds,
            "note": self.note,
            "pairs": [[round(pair.measured, 4), round(pair.reference, 4)] for pair in self.pairs],
        }


@dataclass(frozen=True)
class Plan:
    """How much is run: the short run finds a mistake, the full one fills the page on performance."""

    full: bool

    def choose(self, short: Any, full: Any) -> Any:
        """Return the value for this kind of run."""
        return full if self.full else short
