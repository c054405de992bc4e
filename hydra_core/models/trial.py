"""One network trained for a comparison: what it says of the test images, and what it costs."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from hydra_core.base.files import write_json
from hydra_core.base.telling import EPOCH, Tell
from hydra_core.models.comparison import Result
from hydra_core.models.engine import Engine
from hydra_core.models.export import convert
from hydra_core.models.pictures import Provider
from hydra_core.models.spec import TrainSpec
from hydra_core.models.split import Split
from hydra_core.models.train_on import Fitted, Labelled, train_on

#: Images whose judging is timed, and how often; the quickest time counts, since others use the machine too.
TIMED, TIMES = 32, 5


def try_network(
    spec: TrainSpec, given: Labelled, split: Split, *, identity: str, number: int, work: Path, threads: int, tell: Tell
) -> Result:
    """Train one network and return what is compared of it.

    Parameters
    ----------
    split
        The same for all networks of the comparison; its test side is not empty.
    identity, number
        See `comparison.Result`.
    work
        Where the state after each epoch is kept; whoever calls removes it in the end.

    Raises
    ------
    TrainingError
        When the images cannot train this network.
    ConfigError
        When the network cannot be built.
    """
    spent = _Spent(work / "spent.json", f"{identity} {spec.model_dump_json()}")

    def told(line: str) -> None:
        if line.startswith(EPOCH):
            spent.keep()
        tell(line)

    fitted = train_on(spec, given, tell=told, threads=threads, split=split, work=work, identity=spent.identity)
    probs = fitted.answers["test"].probs
    called = probs.argmax(axis=1)
    return Result(
        identity=identity,
        number=number,
        spec=spec,
        classes=fitted.classes,
        parameters=int(fitted.model.count_params()),
        images_seen=sum(point.images for point in fitted.curve),
        seconds=round(spent.seconds, 1),
        milliseconds=round(_milliseconds(fitted, given.provider, threads), 3),
        best_epoch=fitted.best_epoch,
        curve=fitted.curve,
        called=tuple(int(one) for one in called),
        confidence=tuple(round(float(one), 5) for one in probs[np.arange(len(called)), called]),
    )


class _Spent:
    """Seconds of the processor since the training began, in all processes that took part in it."""

    def __init__(self, file: Path, identity: str) -> None:
        self._file, self.identity = file, identity
        self._begun = time.process_time()
        try:
            told = json.loads(file.read_bytes())
            self._before = float(told["seconds"]) if told["identity"] == identity else 0.0
        except (OSError, ValueError, KeyError, TypeError):
            self._before = 0.0

    @property
    def seconds(self) -> float:
        return self._before + time.process_time() - self._begun

    def keep(self) -> None:
        write_json(self._file, {"identity": self.identity, "seconds": self.seconds})


def _milliseconds(fitted: Fitted, images: Provider, threads: int) -> float:
    """Return the processor's time to judge one image with the engine that jobs would load."""
    some = images(fitted.side("test")[:TIMED])
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "engine.xml"
        convert(fitted.model, xml)
        engine = Engine.compile(
            xml.read_bytes(), xml.with_suffix(".bin").read_bytes(), size=fitted.spec.size, threads=threads
        )
    engine.predict(some)
    took = []
    for _ in range(TIMES):
        begun = time.process_time()
        engine.predict(some)
        took.append(time.process_time() - begun)
    return 1000 * min(took) / len(some)
