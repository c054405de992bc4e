"""From evidence to a verdict: one pure function, first rule that applies wins.

The order says what matters: a picture that cannot be read says nothing, an empty one says nothing of the detector's
channels, and only then is a network asked. Without beam nothing is flagged: the detector had nothing to see.
"""

from __future__ import annotations

from dataclasses import dataclass

from hydra_core.base.words import percent, sentence_of
from hydra_core.config.training import UNLEARNED_THRESHOLD
from hydra_core.judge.evidence import Classification, ItemEvidence

#: Part of every judging set: a change here must change verdicts only under a new number.
RULES_VERSION = "judge-2"

NO_DATA = "NoData"
LOOK = 2
PROBLEM = 3


@dataclass(frozen=True)
class Judgement:
    """What Hydra says of one item, with the reasons in words."""

    class_name: str | None
    state: str
    severity: int
    confidence: float | None = None
    threshold: float | None = None
    reasons: tuple[str, ...] = ()
    next_step: str = ""


def judge_item(evidence: ItemEvidence) -> Judgement:
    """Judge one item.

    Parameters
    ----------
    evidence
        All that is known of it.

    Returns
    -------
    Judgement
        With at least one reason.
    """
    if evidence.held:
        return Judgement(
            None,
            "undetermined" if evidence.status == "ok" else evidence.status,
            0,
            reasons=(
                *((evidence.reason,) if evidence.reason and evidence.status != "ok" else ()),
                "This plot type is new, so nobody is called before somebody accepts it.",
            ),
            next_step="'hydra plots --new' lists what waits: accept it, ignore it or rename it",
        )
    if evidence.status == "missing":
        return Judgement(
            None,
            "missing",
            LOOK,
            reasons=(evidence.reason or "The run has no such plot.",),
            next_step="ask the producer of this plot; when the file comes, 'hydra arrive' makes a new revision",
        )
    if evidence.status == "unreadable":
        return Judgement(
            None,
            "unreadable",
            LOOK,
            reasons=(evidence.reason or "The image cannot be read.",),
            next_step="ask the producer for a whole file; when it comes, 'hydra arrive' makes a new revision",
        )
    if evidence.content is not None and evidence.content.empty:
        return _empty(evidence)
    if evidence.duplicate_of and evidence.beam is not False:
        return Judgement(
            None,
            "stuck",
            LOOK,
            reasons=(f"The very same image as {evidence.duplicate_of}: new events would have changed it.",),
            next_step="check that the producer still fills this plot",
        )
    if evidence.classification is None:
        return _no_model(evidence)
    if not evidence.classification.usable:
        return Judgement(
            None,
            "undetermined",
            LOOK,
            reasons=(f"The model {evidence.classification.model} gave no usable numbers for this image.",),
            next_step="run 'hydra fsck'; restore the model's folder from a backup",
        )
    return _classified(evidence, evidence.classification)


def _empty(evidence: ItemEvidence) -> Judgement:
    sentence = sentence_of(evidence.content.sentence) if evidence.content else ""
    if evidence.beam is False:
        return Judgement(
            NO_DATA,
            "no_beam",
            0,
            reasons=(sentence, "There was no beam in this run, so an empty plot is what one expects."),
        )
    known = "There was beam." if evidence.beam else "Whether there was beam is not recorded."
    return Judgement(
        NO_DATA,
        "no_data",
        PROBLEM if evidence.beam else LOOK,
        reasons=(sentence, known),
        next_step="check that the detector was read out and that the histogram was filled",
    )


def _no_model(evidence: ItemEvidence) -> Judgement:
    if evidence.beam is False:
        return Judgement(None, "no_beam", 0, reasons=("There was no beam in this run, and no model knows such plots.",))
    missing = max(0, evidence.labels_needed - evidence.labels_waiting)
    step = f"label {missing} more of its images" if missing else "train a model: 'hydra train' does it now"
    return Judgement(
        None,
        "undetermined",
        0,
        reasons=("No model judges this plot type yet, and the plot is not empty.",),
        next_step=step,
    )


def _without_beam(winner: str, confidence: float, threshold: float, *, normal: bool) -> Judgement:
    state = "no_beam" if winner == NO_DATA else "confirmed" if confidence >= threshold else "unconfirmed"
    return Judgement(
        winner,
        state,
        0 if winner == NO_DATA or normal else 1,
        confidence,
        threshold,
        (
            f"Looks {winner} ({percent(confidence)}).",
            "There was no beam in this run, so this is noted and nobody is called.",
        ),
    )


def _classified(evidence: ItemEvidence, found: Classification) -> Judgement:
    winner = found.winner
    confidence = found.probabilities[winner]
    threshold = found.thresholds.get(winner, UNLEARNED_THRESHOLD)
    problem = winner in evidence.problem_classes
    normal = winner in evidence.normal_classes
    if evidence.beam is False and (confidence < threshold or not normal):
        return _without_beam(winner, confidence, threshold, normal=normal)
    if confidence < threshold:
        others = sorted(found.probabilities, key=lambda name: -found.probabilities[name])
        second = f"; {others[1]} has {percent(found.probabilities[others[1]])}" if len(others) > 1 else ""
        return Judgement(
            winner,
            "unconfirmed",
            LOOK,
            confidence,
            threshold,
            (f"Looks {winner} ({percent(confidence)}), but {percent(threshold)} is needed to be sure{second}.",),
            "look at it and label it: close calls teach the model most",
        )
    if winner == NO_DATA:
        return Judgement(
            winner,
            "no_data",
            LOOK,
            confidence,
            threshold,
            (f"Looks like a plot without data: {percent(confidence)}, {percent(threshold)} is needed.",),
            "check that the detector was read out and that the histogram was filled",
        )
    severity = PROBLEM if problem else 0 if normal else 1
    return Judgement(
        winner,
        "confirmed",
        severity,
        confidence,
        threshold,
        (f"Looks {winner}: {percent(confidence)}, {percent(threshold)} is needed.",),
        "compare with a good run, then call the contact of this plot" if problem else "",
    )
