"""Writing the demo: producers' files, what is withheld for later, the truth, and an expert's labels.

Below the root: ``incoming/`` (what is there from the start), ``withheld/`` (what arrives later, same relative paths),
``truth.json``, ``labels.json`` and ``demo.json``, which names the plan and is marked complete last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_file, write_bytes, write_json
from hydra_core.base.names import safe_join
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.items import TruthItem, item_bytes, item_truth
from hydra_core.emulate.plan import DemoPlan, PlanFile
from hydra_core.intake.histograms.draw import STYLE_VERSION

Progress = Callable[[int, int], None]
#: The plot types that the demo's expert has labelled.
LABELLED = ("CDC_occupancy", "RF_timing")
EXPERT = "demo-expert"
_MADE_AT = "2026-01-20T08:00:00Z"
_COMMENT = "first labels of the demo experiment: every chunk of the history runs"


@dataclass(frozen=True)
class DemoTruth:
    """What was written.

    Attributes
    ----------
    root
        The folder that holds ``incoming`` and ``withheld``.
    planted
        Every planted fault, also of withheld files.
    written
        How many files this call had to write; 0 where everything was there.
    """

    root: Path
    planted: tuple[TruthItem, ...]
    written: int

    @property
    def labels(self) -> Path:
        """The expert's request file."""
        return self.root / "labels.json"

    @property
    def truth(self) -> Path:
        """The list of planted faults."""
        return self.root / "truth.json"


def write_demo(plan: DemoPlan, root: Path, *, progress: Progress | None = None) -> DemoTruth:
    """Write a demo; what an earlier, interrupted call has written is kept and completed.

    Parameters
    ----------
    plan
        From `plan_demo`.
    root
        Folder to write into.
    progress
        Called with (files done, files in all).

    Raises
    ------
    HydraError
        When `root` holds a demo of another plan.
    """
    marker = root / "demo.json"
    found = _read_marker(marker)
    if found is not None and (found["plan"] != plan.digest or found.get("style") != STYLE_VERSION):
        raise HydraError(
            f"{root} holds a demo of another size, seed or version",
            next_step="give an empty folder, or remove that demo first",
        )
    truth = root / "truth.json"
    if found is not None and found["complete"] and truth.exists() and (root / "labels.json").exists():
        return DemoTruth(root, _read_truth(truth), 0)
    write_json(marker, _marker(plan, complete=False))
    planted, written = _write_files(plan, root, progress)
    write_json(truth, {"hydra_demo_truth": 1, "planted": [asdict(item) for item in planted]})
    write_json(root / "labels.json", _labels(plan, root, planted))
    write_json(marker, _marker(plan, complete=True))
    return DemoTruth(root, planted, written)


def release(root: Path, relative_paths: Iterable[str]) -> tuple[str, ...]:
    """Let withheld files arrive; what has arrived before is left alone.

    Parameters
    ----------
    root
        The root given to `write_demo`.
    relative_paths
        As ``DemoPlan.withheld`` returns them; files arrive in this order.

    Returns
    -------
    tuple of str
        The paths that are new.

    Raises
    ------
    HydraError
        When one of the files is not withheld there.
    """
    new = []
    for relative in relative_paths:
        source, target = safe_join(root / "withheld", relative), safe_join(root / "incoming", relative)
        if not source.is_file():
            raise HydraError(f"{source} is not there", next_step="write the demo first, with the same settings")
        data = source.read_bytes()
        if target.is_file() and target.read_bytes() == data:
            continue
        write_bytes(target, data)
        new.append(relative)
    return tuple(new)


def demo_path(root: Path, file: PlanFile) -> Path:
    """Return where `write_demo` puts a file."""
    return safe_join(root / ("incoming" if file.phase == "history" else "withheld"), file.path)


def _write_files(plan: DemoPlan, root: Path, progress: Progress | None) -> tuple[tuple[TruthItem, ...], int]:
    files = list(plan.files())
    planted: list[TruthItem] = []
    written = 0
    for done, file in enumerate(files, start=1):
        target = demo_path(root, file)
        # Files appear whole or not at all, so one that is there is finished.
        if not target.exists():
            if file.plot is None:
                write_json(target, {"conditions": file.run.conditions()})
            else:
                write_bytes(target, item_bytes(plan, file))
            written += 1
        planted.extend(item_truth(plan, file))
        if progress is not None:
            progress(done, len(files))
    return tuple(planted), written


def _labels(plan: DemoPlan, root: Path, planted: tuple[TruthItem, ...]) -> dict[str, Any]:
    """Return the expert's request: a class for every readable history image of the labelled types."""
    classes = {item.path: item.expected for item in planted if item.plot_type is not None}
    items, seen = [], set()
    for file in plan.files():
        if file.phase != "history" or file.plot not in LABELLED or file.chunk is None:
            continue
        label = classes.get(file.path, "Good")
        digest = sha256_file(demo_path(root, file))
        if label is None or digest in seen:
            continue
        seen.add(digest)
        items.append({"plot_type": str(demo_plot(file.plot).key), "image": digest, "class": label})
    return {
        "hydra_request": 1,
        "kind": "label",
        "who": EXPERT,
        "made_at": _MADE_AT,
        "comment": _COMMENT,
        "items": items,
    }


def _marker(plan: DemoPlan, *, complete: bool) -> dict[str, Any]:
    return {
        "plan": plan.digest,
        "complete": complete,
        "style": STYLE_VERSION,
        "seed": plan.seed,
        "runs": [run.number for run in plan.runs],
        "plot_types": list(plan.names),
        "chunks": plan.chunks,
    }


def _read_marker(marker: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {"plan", "complete"} <= found.keys():
        raise HydraError(f"{marker} is not the marker of a demo", next_step="give an empty folder")
    return cast("dict[str, Any]", found)


def _read_truth(path: Path) -> tuple[TruthItem, ...]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["planted"]
    return tuple(TruthItem(**{**row, "box": tuple(row["box"]) if row["box"] else None}) for row in rows)
