"""The rows of a fabricated history: the same ones for the same size, in the order of their keys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

ONCE_TYPES, CHUNKED_TYPES, CHUNKS = 16, 64, 12
TYPES = ONCE_TYPES + CHUNKED_TYPES
#: Places of a run: every chunked plot type has its chunks, the others come once.
PLACES = CHUNKED_TYPES * CHUNKS + ONCE_TYPES
#: Every so many places show the blank plot of their type, which is the same image each time.
BLANK_EVERY = 64
MISSING_EVERY = 251
#: Every so many revisions are the second one of the run before.
TWICE_EVERY = 20
RUNS_OF_A_PASS = 1400
FIRST_RUN, RUNS_BETWEEN_PASSES = 20_000, 10_000
LABELS_OF_A_REQUEST = 20
VERSIONS = 4
CLASSES = ("Good", "Bad", "NoData")
DETECTORS = ("CDC", "FCAL", "BCAL", "TOF", "RICH", "PS", "ST", "TAGM")
PEOPLE = tuple(f"expert {number:02d}" for number in range(12))
TASKS = ("chunk_images", "classify", "judge", "archive", "heatmap", "publish_run")
BEGIN = datetime(2018, 1, 8, 6, 0, tzinfo=UTC)
BETWEEN_RUNS = timedelta(hours=4, minutes=20)

Kind = Literal["image", "blank", "request", "card", "other"]
_KINDS: dict[Kind, int] = {"image": 0, "blank": 1, "request": 2, "card": 3, "other": 4}
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    """How large a history is: different images, verdicts and labels."""

    images: int
    verdicts: int
    labels: int

    @property
    def revisions(self) -> int:
        """Revisions of runs, the newest three of them unfinished."""
        return -(-self.images * BLANK_EVERY * MISSING_EVERY // ((BLANK_EVERY - 1) * (MISSING_EVERY - 1) * PLACES))

    @property
    def places(self) -> int:
        """Rows of `items`."""
        return self.revisions * PLACES

    @property
    def first_judged(self) -> int:
        """The first revision that has verdicts; the ones before it came to the archive before judging began."""
        return max(0, self.revisions - 1 - -(-self.verdicts // PLACES))

    @property
    def runs(self) -> int:
        """Runs of all passes."""
        return run_of(self.revisions - 1) + 1

    @property
    def passes(self) -> int:
        """Monitoring passes; all but the newest are closed."""
        return -(-self.runs // RUNS_OF_A_PASS)

    @property
    def end(self) -> datetime:
        """When the newest run was judged."""
        return BEGIN + self.revisions * BETWEEN_RUNS

    def part(self, parts: int) -> Size:
        """Return a history of so much less."""
        return Size(self.images // parts, self.verdicts // parts, self.labels // parts)


#: The figures of the original system in 2026, and a hall that has just begun, whose runs are all judged. A few labels
#: fall on places without an image and are left out.
LARGE = Size(13_500_000, 5_000_000, 1_005_000)
SMALL = Size(10_000, 10_000, 741)


def digests(kind: Kind, numbers: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return keys as evenly spread as SHA-256: four words of 64 bits for each number, which `_bytes` writes down.

    Returns
    -------
    numpy.ndarray
        Shape ``(len(numbers), 4)``, dtype ``uint64``.
    """
    seeds = np.uint64(_KINDS[kind]) << np.uint64(56)
    words = (numbers.astype(np.uint64)[:, None] << np.uint64(2)) + np.arange(4, dtype=np.uint64) + seeds
    with np.errstate(over="ignore"):
        words = words * np.uint64(0x9E3779B97F4A7C15)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _bytes(words: np.ndarray[Any, np.dtype[np.uint64]]) -> bytes:
    # Big-endian, so that the order of the first words is that of the keys.
    return words.astype(">u8").tobytes()


def keys(kind: Kind, first: int, count: int) -> list[bytes]:
    """Return the keys of consecutive numbers."""
    return _parts(_bytes(digests(kind, np.arange(first, first + count, dtype=np.uint64))))


def _parts(data: bytes) -> list[bytes]:
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def run_of(revision: int) -> int:
    """Return the run, counted from 0 over all passes, that a revision (counted from 0) belongs to."""
    return revision - (revision + 1) // TWICE_EVERY


def revision_number(revision: int) -> int:
    """Return which revision of its run it is."""
    return 2 if revision % TWICE_EVERY == TWICE_EVERY - 1 else 1


def pass_and_number(run: int) -> tuple[int, int]:
    """Return the row of the pass and the run number of a run."""
    which, rest = divmod(run, RUNS_OF_A_PASS)
    return which + 1, FIRST_RUN + which * RUNS_BETWEEN_PASSES + rest


def place(slot: int) -> tuple[int, int]:
    """Return (plot type row, chunk) of a place of a run, in the order of the block."""
    if slot < CHUNKED_TYPES * CHUNKS:
        return slot // CHUNKS + 1, slot % CHUNKS
    return slot - CHUNKED_TYPES * CHUNKS + CHUNKED_TYPES + 1, -1


def slot_of(plot_type: int, chunk: int) -> int:
    """Return the place of a run that a plot type row has for a chunk."""
    if plot_type <= CHUNKED_TYPES:
        return (plot_type - 1) * CHUNKS + chunk
    return CHUNKED_TYPES * CHUNKS + plot_type - CHUNKED_TYPES - 1


def instant(moment: datetime) -> str:
    """Return an instant as both databases take it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}000"


def plot_name(plot_type: int) -> str:
    """Return the name of a plot type row."""
    return f"{DETECTORS[plot_type % len(DETECTORS)]}_plot_{plot_type:02d}"


def _at(revision: int, minutes: int = 0) -> str:
    return instant(BEGIN + revision * BETWEEN_RUNS + timedelta(minutes=minutes))


def _is_blank(number: int) -> bool:
    return number % BLANK_EVERY == BLANK_EVERY - 1


def _is_missing(number: int) -> bool:
    return number % MISSING_EVERY == 0


def plot_types(size: Size) -> Iterator[Row]:
    """Yield the plot types."""
    for number in range(1, TYPES + 1):
        chunked = int(number <= CHUNKED_TYPES)
        yield number, plot_name(number), chunked, _at(0), "active", None, None, "", None, "", "", ""


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
        yield number, name, f"hydra/{name}", first, last, state, place, _at(0), None, wanted, published


def runs(size: Size) -> Iterator[Row]:
    """Yield the ledger."""
    for run in range(size.runs):
        row, number = pass_and_number(run)
        yield run + 1, row, number, str(number), "", _at(run), _at(run, 1)


def revisions(size: Size) -> Iterator[Row]:
    """Yield the revisions; the newest three are on their way."""
    hashes = keys("other", 0, size.revisions)
    for revision in range(size.revisions):
        left = size.revisions - revision
        state = {3: "archived", 2: "judged", 1: "chunked"}.get(left, "published")
        conditions = json.dumps({"beam_current": revision % 300, "solenoid": 1350, "target": "LH2"})
        judged = _at(revision, 5) if revision >= size.first_judged and left > 1 else None
        published = _at(revision, 9) if left > 3 else None
        sets = judging_set_of(size, revision)
        counts = (0, PLACES, 3, 2, revision % 4)
        yield (
            *(revision + 1, run_of(revision) + 1, revision_number(revision), hashes[revision], state, sets),
            *(conditions, "[]", hashes[revision], None, *counts, _at(revision), judged, published),
        )


def judging_sets_made(size: Size) -> int:
    """Return the number of judging sets: one whenever a model of a newer version went live, at most."""
    return max(1, min(TYPES * (VERSIONS - 1), size.revisions // 20))


def judging_set_of(size: Size, revision: int) -> int:
    """Return the row of the judging set that a revision was judged with."""
    return 1 + revision * judging_sets_made(size) // size.revisions


def images(size: Size) -> Iterator[Row]:
    """Yield the images in the order of their keys, which is not the order in which they came."""
    numbers = np.arange(size.places, dtype=np.uint64)
    there = (numbers % BLANK_EVERY != BLANK_EVERY - 1) & (numbers % MISSING_EVERY != 0)
    words = np.concatenate([digests("image", numbers[there]), digests("blank", np.arange(1, TYPES + 1))])
    came = np.concatenate([numbers[there] // PLACES, np.zeros(TYPES, dtype=np.uint64)])
    order = np.argsort(words[:, 0], kind="stable")
    moments = [_at(revision, 1) for revision in range(size.revisions)]
    for start in range(0, len(order), 100_000):
        part = order[start : start + 100_000]
        data, of_run = _bytes(words[part]), came[part].tolist()
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
            if _is_missing(number):
                row = ("missing", "no file of this plot came", None, "", "")
            else:
                key = blanks[plot_type] if _is_blank(number) else hashes[slot]
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
        sets, version, at = judging_set_of(size, revision), version_of(size, revision), _at(revision, 5)
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


def version_of(size: Size, revision: int) -> int:
    """Return which version of its model judged a revision."""
    return revision * VERSIONS // size.revisions


def model_id(plot_type: int, version: int) -> int:
    """Return the row of a model."""
    return version * TYPES + plot_type


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
        if not _is_missing(number):
            found.append((label, number))
    return found


def image_keys(numbers: Sequence[int], plot_type: int) -> list[bytes]:
    """Return the keys of the images at places of one plot type, counted from 0 over the whole history."""
    blank = keys("blank", plot_type, 1)[0]
    found = _parts(_bytes(digests("image", np.array(numbers, dtype=np.uint64))))
    return [blank if _is_blank(number) else key for number, key in zip(numbers, found, strict=True)]


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
        at = _at(size.revisions * version // VERSIONS)
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
        yield number + 1, number // len(CLASSES) + 1, name, 0.6, "97% right of those above", 200, "hydra", _at(0)


def judging_sets(size: Size) -> Iterator[Row]:
    """Yield the judging sets."""
    rules = '{"rules": "judge-1", "problem": ["Bad"], "normal": ["Good"], "beam_key": "beam_current", "beam_min": 1}'
    for number in range(1, judging_sets_made(size) + 1):
        yield number, number, f"change {number}", None, rules, _at(0)


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
            yield plot_type, mark, "period-01/ver01/20000", "done", "it is live", model_id(plot_type, version), _at(0)


def kept_images(size: Size) -> Iterator[Row]:
    """Yield pinned images and those of gold sets: one of a thousand."""
    chosen: dict[bytes, Row] = {}
    for number in range(500, size.places, 1000):
        if not _is_missing(number):
            key = image_keys([number], place(number % PLACES)[0])[0]
            chosen[key] = (key, "gold" if number % 3 == 0 else "pin", PEOPLE[number % 12], "an example", _at(0))
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
            yield number, revision + 1, task, 1, 4.0 + turn, 3.5, 180.0, PLACES, _at(revision, turn + 1)


def unmatched(size: Size) -> Iterator[Row]:
    """Yield files that no rule took: five of every pass, and one of every tenth run."""
    count = size.passes * 5 + size.runs // 10
    for number, key in enumerate(keys("other", 1 << 40, count)):
        yield number + 1, number % size.passes + 1, key, f"/monitoring/strange-{number}.gif", "no rule", _at(number)


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
