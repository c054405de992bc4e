"""What was decided about plot types before a run is read: who they are, whether they count, how they are drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hydra_core.base.names import PlotKey
from hydra_core.intake.histograms.draw import DrawScale


@dataclass(frozen=True)
class Decisions:
    """The standing of plot types.

    Attributes
    ----------
    active
        Types that a site lists or that a coordinator accepted.
    ignored
        Types that are left out of runs.
    renamed
        Types that go by another name.
    hold_new
        Whether types in none of these wait for a decision; they are active otherwise.
    drawings
        Fixed ranges by type; others are drawn with ranges of their own contents.
    sums
        Types whose files hold everything since the run began, so that successive ones are differenced; with
        `others_sum` for the types that are not named.
    """

    active: Collection[PlotKey] = frozenset()
    ignored: Collection[PlotKey] = frozenset()
    renamed: Mapping[PlotKey, PlotKey] = field(default_factory=dict)
    hold_new: bool = False
    drawings: Mapping[PlotKey, DrawScale] = field(default_factory=dict)
    sums: Mapping[PlotKey, bool] = field(default_factory=dict)
    others_sum: bool = False

    def resolve(self, plot: PlotKey) -> PlotKey | None:
        """Return the type that a plot of this name belongs to, or None where it is ignored."""
        seen = {plot}
        while (target := self.renamed.get(plot)) is not None and target not in seen:
            seen.add(target)
            plot = target
        return None if plot in self.ignored else plot

    def held(self, plot: PlotKey) -> bool:
        """Say whether nobody has decided about a type yet."""
        return self.hold_new and plot not in self.active

    def is_sum(self, plot: PlotKey) -> bool:
        """Say whether successive files of a type hold ever more of the same run."""
        return self.sums.get(plot, self.others_sum)
