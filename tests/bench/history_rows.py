"""The rows of a fabricated history: the same ones for the same size, in the order of their keys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from tests.bench.history_shape import (
    BEGIN,
    BLANK_EVERY,
    CHUNKED_TYPES,
    CHUNKS,
    CLASSES,
    DETECTORS,
    FIRST_RUN,
    MISSING_EVERY,
    PLACES,
    RUNS_BETWEEN_PASSES,
    RUNS_OF_A_PASS,
    TYPES,
    VERSIONS,
    Size,
    digests,
    instant,
    is_blank,
    is_missing,
    judging_set_of,
    judging_sets_made,
    key_bytes,
    key_parts,
    keys,
    model_id,
    moment_of,
    pass_and_number,
    place,
    plot_name,
    revision_number,
    run_of,
    slot_of,
    version_of,
)

LABELS_OF_A_REQUEST = 20
PEOPLE = tuple(f"expert {number:02d}" for number in range(12))
TASKS = ("chunk_images", "classify", "judge", "archive", "heatmap", "publish_run")
Row = tuple[Any, ...]


def plot_types(size: Size) -> Iterator[Row]:
    """Yield the plot types."""
    for number in range(1, TYPES + 1):
        chunked = int(number <= CHUNKED_TYPES)
        yield number, plot_name(number), chunked, moment_of(0), "active", None, None, "", None, "", "", ""


def classes(size: Size) -> Iterator[Row]:
    """Yield the classes."""
    for position, name in enumerate(CLASSES):
        yield name, "#808080", int(name == "Bad"), int(name == "Good"), position


def plot_groups(size: Size) -> Iterator[Row]:
    """Yield the detectors."""
    for number, name in enumerate(DETECTORS):
        yield number + 1, name, "detector"


def plot_group_types(size: Size) -> Iterator[Row]:
    """Yield which plot types belong to each detector."""
    for plot_type in range(1, TYPES + 1):
        yield plot_type % len(DETECTORS) + 1, plot_type


def passes(size: Size) -> Iterator[Row]:
    """Yield the passes."""
    for number in range(1, size.passes + 1):
        first = FIRST_RUN + (number - 1) * RUNS_BETWEEN_PASSES
        name = f"period-{number:02d}/ver01"
        state = "open" if number == size.passes else "closed"
        last = first + RUNS_BETWEEN_PASSES - 1
        wanted = min(RUNS_OF_A_PASS, size.runs - (number - 1) * RUNS_OF_A_PASS)
        # All but the newest three revisions are published, each of a run of its own.
        on_the_way = 3 - sum(revision_number(size.revisions - step) == 2 for step in (1, 2, 3))
        published = wanted - on_the_way if number == size.passes else wanted
        place = f"/monitoring/{name}"
        yield number, name, f"hydra/{name}", first, last, state, place, moment_of(0), None, wanted, published


def runs(size: Size) -> Iterator[Row]:
    """Yield the ledger."""
    for run in range(size.runs):
        row, number = pass_and_number(run)
        yield run + 1, row, number, str(number), "", moment_of(run), moment_of(run, 1)


def revisions(size: Size) -> Iterator[Row]:
    """Yield the revisions; the newest three are on their way."""
    hashes = keys("other", 0, size.revisions)
    for revision in range(size.revisions):
        left = size.revisions - revision
        state = {3: "archived", 2: "judged", 1: "chunked"}.get(left, "published")
        conditions = json.dumps({"beam_current": revision % 300, "solenoid": 1350, "target": "LH2"})
        judged = moment_of(revision, 5) if revision >= size.first_judged and left > 1 else None
        published = moment_of(revision, 9) if left > 3 else None
        sets = judging_set_of(size, revision)
        counts = (0, PLACES, 3, 2, revision % 4)
        yield (
            *(revision + 1, run_of(revision) + 1, revision_number(revision), hashes[revision], state, sets),
            *(conditions, "[]", hashes[revision], None, *counts, moment_of(revision), judged, published),
        )


def images(size: Size) -> Iterator[Row]:
    """Yield the images in the order of their keys, which is not the order in which they came."""
    numbers = np.arange(size.places, dtype=np.uint64)
    there = (numbers % BLANK_EVERY != BLANK_EVERY - 1) & (numbers % MISSING_EVERY != 0)
    words = np.concatenate([digests("image", numbers[there]), digests("blank", np.arange(1, TYPES + 1))])
    came = np.concatenate([numbers[there] // PLACES, np.zeros(TYPES, dtype=np.uint64)])
    order = np.argsort(words[:, 0], kind="stable")
    moments = [moment_of(revision, 1) for revision in range(size.revisions)]
    for start in range(0, len(order), 100_000):
        part = order[start : start + 100_000]
        data, of_run = key_bytes(words[part]), came[part].tolist()
        for index, revision in enumerate(of_run):
            yield data[index * 32 : index * 32 + 32], 9000 + revision, 800, 600, moments[revision]


def items(size: Size) -> Iterator[Row]:
    """Yield every place of every revision."""
    blanks = keys("blank", 0, TYPES + 1)
    places = [place(slot) for slot in range(PLACES)]
    for revision in range(size.revisions):
        first = revision * PLACES
        hashes = keys("image", first, PLACES)
        folder = f"{pass_and_number(run_of(revision))[1]:06d}"
        for slot, (plot_type, chunk) in enumerate(places):
            number = first + slot
            if is_missing(number):
                row = ("missing", "no file of this plot came", None, "", "")
            else:
                key = blanks[plot_type] if is_blank(number) else hashes[slot]
                row = ("ok", "", key, "", f"{folder}/CDC_plot_{plot_type:02d}_{max(chunk, 0):04d}.png")
            yield number + 1, revision + 1, plot_type, chunk, slot, *row, "", "", None


def evidence(size: Size) -> Iterator[Row]:
    """Yield what two judges say of every place that was judged, as of readable images of types with a model."""
    places = [place(slot)[0] for slot in range(PLACES)]
    for revision in range(size.first_judged, size.revisions):
        version = version_of(size, revision)
        for slot, plot_type in enumerate(places):
            number = revision * PLACES + slot
            sure = 0.5 + number % 4999 / 10_000
            shares = f'{{"Good": {sure:.4f}, "Bad": {1 - sure:.4f}, "NoData": 0.0}}'
            model = model_id(plot_type, version)
            said = f"CDC_plot_{plot_type:02d}-{version:02d} says Good, {sure * 100:.1f}%."
            yield number + 1, "classifier", "ok", f'{{"probabilities": {shares}}}', said, model
            yield number + 1, "content", "filled", f'{{"ink": {sure / 3:.6f}}}', "There is something in the plot.", None


def verdicts(size: Size) -> Iterator[Row]:
    """Yield a verdict for every place of the revisions that were judged."""
    places = [place(slot)[0] for slot in range(PLACES)]
    for revision in range(size.first_judged, size.revisions - 1):
        sets, version, at = judging_set_of(size, revision), version_of(size, revision), moment_of(revision, 5)
        task = f"{pass_and_number(run_of(revision))[1]}/judge/01"
        for slot, plot_type in enumerate(places):
            number = revision * PLACES + slot
            sure = 0.5 + number % 4999 / 10_000
            bad = number % 400 == 0
            name, state, severity = ("Bad", "confirmed", 3) if bad else ("Good", "confirmed", 0)
            reasons = f'["Looks {name}: {sure * 100:.1f}%, 50.0% is needed."]'
            model = model_id(plot_type, version)
            said = (name, state, severity, sure, 0.5, reasons, "call the contact" if bad else "")
            yield number + 1, *said, sets, model, "0.1", task, at


def verdict_counts(size: Size) -> Iterator[Row]:
    """Yield how many verdicts of a revision are the same for a plot type."""
    places = [place(slot)[0] for slot in range(PLACES)]
    for revision in range(size.first_judged, size.revisions - 1):
        bad = [not (revision * PLACES + slot) % 400 for slot in range(PLACES)]
        for (plot_type, is_bad), count in sorted(Counter(zip(places, bad, strict=True)).items()):
            said = ("confirmed", "Bad", 3) if is_bad else ("confirmed", "Good", 0)
            yield revision + 1, plot_type, *said, count


def labelled(size: Size, plot_type: int) -> list[tuple[int, int]]:
    """Return (label, item) of the labels of a plot type, both counted from 0, spread over the whole history.

    Every 50th corrects the one before it.
    """
    found = []
    own = range(plot_type - 1, size.labels, TYPES)
    for index, label in enumerate(own):
        turn = index - 1 if index % 50 == 49 else index
        revision = turn * (size.revisions - 3) // len(own)
        number = revision * PLACES + slot_of(plot_type, turn % CHUNKS)
        if not is_missing(number):
            found.append((label, number))
    return found


def image_keys(numbers: Sequence[int], plot_type: int) -> list[bytes]:
    """Return the keys of the images at places of one plot type, counted from 0 over the whole history."""
    blank = keys("blank", plot_type, 1)[0]
    found = key_parts(key_bytes(digests("image", np.array(numbers, dtype=np.uint64))))
    return [blank if is_blank(number) else key for number, key in zip(numbers, found, strict=True)]


def requests(size: Size) -> Iterator[Row]:
    """Yield request files in the order of their keys: all that brought labels, and some that were refused."""
    count = -(-size.labels // LABELS_OF_A_REQUEST) + size.labels // 800
    for number, key in sorted(enumerate(keys("request", 0, count)), key=lambda pair: pair[1]):
        who = PEOPLE[number % len(PEOPLE)]
        at = _labelled_at(size, number * LABELS_OF_A_REQUEST)
        refused = number * LABELS_OF_A_REQUEST >= size.labels
        status, reason = ("quarantined", "the image is not known") if refused else ("accepted", "")
        yield key, "label", f"labels-{number:06d}.json", who, who.replace(" ", ""), at, at, status, reason


def _labelled_at(size: Size, label: int) -> str:
    return instant(BEGIN + timedelta(hours=1) + min(1.0, label / size.labels) * (size.end - BEGIN))


def labels(size: Size) -> Iterator[Row]:
    """Yield the labels of every plot type."""
    files = keys("request", 0, -(-size.labels // LABELS_OF_A_REQUEST))
    for plot_type in range(1, TYPES + 1):
        there = labelled(size, plot_type)
        for (label, _), key in zip(there, image_keys([number for _, number in there], plot_type), strict=True):
            request = label // LABELS_OF_A_REQUEST
            name = CLASSES[label % 7 % 3]
            row = (plot_type, key, name, PEOPLE[request % len(PEOPLE)])
            yield label + 1, files[request], *row, _labelled_at(size, label)


def label_counts(size: Size) -> Iterator[Row]:
    """Yield how many labels each plot type has."""
    for plot_type in range(1, TYPES + 1):
        yield plot_type, len(labelled(size, plot_type))


def models(size: Size) -> Iterator[Row]:
    """Yield the models: of each plot type several versions, the newest of them live."""
    for version in range(VERSIONS):
        at = moment_of(size.revisions * version // VERSIONS)
        status = "live" if version == VERSIONS - 1 else "retired"
        for plot_type in range(1, TYPES + 1):
            number = model_id(plot_type, version)
            name = f"CDC_plot_{plot_type:02d}-{version:02d}"
            parent = model_id(plot_type, version - 1) if version else None
            yield number, plot_type, name, keys("card", number, 1)[0], "hydra_small", status, "", parent, at


def training_images(size: Size) -> Iterator[Row]:
    """Yield training sets: every other label that there was at the time."""
    for version, plot_type, chosen in _learned(size):
        for index, (key, name) in enumerate(chosen):
            yield model_id(plot_type, version), key, name, ("train", "train", "train", "validation", "test")[index % 5]


def predictions(size: Size) -> Iterator[Row]:
    """Yield what models said of the images that they did not learn from."""
    for version, plot_type, chosen in _learned(size):
        for key, name in chosen[4::5]:
            shares = '{"Good": 0.91, "Bad": 0.08, "NoData": 0.01}'
            yield model_id(plot_type, version), key, "test", name, "Good", 0.91, shares


def _learned(size: Size) -> Iterator[tuple[int, int, list[tuple[bytes, str]]]]:
    for version in range(VERSIONS):
        for plot_type in range(1, TYPES + 1):
            there = labelled(size, plot_type)
            there = there[: len(there) * (version + 1) // VERSIONS : 2]
            found = zip(image_keys([number for _, number in there], plot_type), there, strict=True)
            chosen = {key: CLASSES[label % 7 % 3] for key, (label, _) in found}
            yield version, plot_type, sorted(chosen.items())


def model_thresholds(size: Size) -> Iterator[Row]:
    """Yield the thresholds of every model."""
    for number in range(TYPES * VERSIONS * len(CLASSES)):
        name = CLASSES[number % len(CLASSES)]
        yield number + 1, number // len(CLASSES) + 1, name, 0.6, "97% right of those above", 200, "hydra", moment_of(0)


def judging_sets(size: Size) -> Iterator[Row]:
    """Yield the judging sets."""
    rules = '{"rules": "judge-1", "problem": ["Bad"], "normal": ["Good"], "beam_key": "beam_current", "beam_min": 1}'
    for number in range(1, judging_sets_made(size) + 1):
        yield number, number, f"change {number}", None, rules, moment_of(0)


def judging_set_models(size: Size) -> Iterator[Row]:
    """Yield the models of every judging set."""
    shares = '{"Good": 0.6, "Bad": 0.6, "NoData": 0.6}'
    for number in range(judging_sets_made(size)):
        version = number * VERSIONS // judging_sets_made(size)
        for plot_type in range(1, TYPES + 1):
            yield number + 1, plot_type, model_id(plot_type, version), shares


def training_claims(size: Size) -> Iterator[Row]:
    """Yield the trainings that were taken on."""
    for plot_type in range(1, TYPES + 1):
        count = len(labelled(size, plot_type))
        for version in range(VERSIONS):
            mark = count * (version + 1) // VERSIONS
            yield (
                plot_type,
                mark,
                "period-01/ver01/20000",
                "done",
                "it is live",
                model_id(plot_type, version),
                moment_of(0),
            )


def kept_images(size: Size) -> Iterator[Row]:
    """Yield pinned images and those of gold sets: one of a thousand."""
    chosen: dict[bytes, Row] = {}
    for number in range(500, size.places, 1000):
        if not is_missing(number):
            key = image_keys([number], place(number % PLACES)[0])[0]
            chosen[key] = (key, "gold" if number % 3 == 0 else "pin", PEOPLE[number % 12], "an example", moment_of(0))
    yield from (chosen[key] for key in sorted(chosen))


def incidents(size: Size) -> Iterator[Row]:
    """Yield three incidents for every judged run."""
    number = 0
    for revision in range(size.first_judged, size.revisions - 1):
        if revision_number(revision) == 1:
            row, run = pass_and_number(run_of(revision))
            for turn in range(3):
                number += 1
                plot_type = (revision * 3 + turn) % CHUNKED_TYPES + 1
                yield number, row, plot_type, "Bad", "confirmed", 1 + turn, run, 3, run, 5, 3


def stage_timings(size: Size) -> Iterator[Row]:
    """Yield what every task of every revision cost."""
    for revision in range(size.revisions):
        for turn, task in enumerate(TASKS):
            number = revision * len(TASKS) + turn + 1
            yield number, revision + 1, task, 1, 4.0 + turn, 3.5, 180.0, PLACES, moment_of(revision, turn + 1)


def unmatched(size: Size) -> Iterator[Row]:
    """Yield files that no rule took: five of every pass, and one of every tenth run."""
    count = size.passes * 5 + size.runs // 10
    for number, key in enumerate(keys("other", 1 << 40, count)):
        yield (
            number + 1,
            number % size.passes + 1,
            key,
            f"/monitoring/strange-{number}.gif",
            "no rule",
            moment_of(number),
        )


#: How the rows of each table are made; a table refers only to those before it.
TABLES = {
    "plot_types": plot_types,
    "classes": classes,
    "plot_groups": plot_groups,
    "plot_group_types": plot_group_types,
    "passes": passes,
    "runs": runs,
    "models": models,
    "model_thresholds": model_thresholds,
    "judging_sets": judging_sets,
    "judging_set_models": judging_set_models,
    "training_claims": training_claims,
    "revisions": revisions,
    "stage_timings": stage_timings,
    "unmatched": unmatched,
    "incidents": incidents,
    "images": images,
    "items": items,
    "verdicts": verdicts,
    "verdict_counts": verdict_counts,
    "evidence": evidence,
    "requests": requests,
    "labels": labels,
    "label_counts": label_counts,
    "training_images": training_images,
    "predictions": predictions,
    "kept_images": kept_images,
}
