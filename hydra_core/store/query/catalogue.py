"""The list of views, and finding one or its columns by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from hydra_core.base.errors import HydraError
from hydra_core.store.query import judged, learned, told
from hydra_core.store.query.view import Column, View

_VIEWS = (
    judged.VERDICTS,
    judged.INCIDENTS,
    judged.RUNS,
    learned.PLOTS,
    told.LABELS,
    told.LABEL_HISTORY,
    learned.MODELS,
    learned.THRESHOLDS,
    learned.PREDICTIONS,
    judged.EVIDENCE,
    judged.TIMINGS,
    judged.PASSES,
    told.REQUESTS,
    told.PEOPLE,
    told.NEWS,
    told.EARLIER_VERDICTS,
    told.EARLIER_LABELS,
)


def views() -> tuple[View, ...]:
    """Return every view, in the order in which documents list them."""
    return _VIEWS


def find_view(name: str) -> View:
    """Return the view of that name.

    Raises
    ------
    HydraError
        When there is none.
    """
    for view in _VIEWS:
        if view.name == name:
            return view
    raise HydraError(f"there is no view {name!r}", next_step=nearest(name, [view.name for view in _VIEWS]))


def find_column(view: View, name: str, among: Sequence[Column] = ()) -> Column:
    """Return a column of a view.

    Parameters
    ----------
    among
        Where to look; empty: the columns of the view.

    Raises
    ------
    HydraError
        When there is none.
    """
    known = among or view.columns
    for column in known:
        if column.name == name:
            return column
    names = [column.name for column in known]
    raise HydraError(f"the view {view.name} has no column {name!r}", next_step=nearest(name, names))


def nearest(text: str, known: Sequence[str]) -> str:
    """Return a next step that names what is most like `text`, or all that there is."""
    near = difflib.get_close_matches(text.lower(), known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
