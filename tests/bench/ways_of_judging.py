"""Ways to judge a run, each a program of its own, so that its start is measured with it.

``python ways_of_judging.py WAY FOLDER THREADS``; the folder holds ``plots/*.png``, ``bad.txt`` (how many of them get
a heat map), ``network.txt`` (name and side of the input), ``start.weights.h5`` and ``model/``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def keras_model(folder: Path, threads: int) -> tuple[Any, Any, Any, int]:
    from hydra_core.models.lazy import tensorflow
    from hydra_core.models.networks import build

    tf, keras = tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    name, side = (folder / "network.txt").read_text(encoding="utf-8").split()
    model = build(name, (int(side), int(side)), 2)
    model.load_weights(folder / "start.weights.h5")
    return tf, keras, model, int(side)


def pictures(folder: Path, side: int) -> list[np.ndarray]:
    from PIL import Image

    paths = sorted((folder / "plots").glob("*.png"))
    size = (side, side)
    return [np.asarray(Image.open(path).convert("RGB").resize(size), np.float32) for path in paths]


def one_by_one(folder: Path, threads: int) -> None:
    """One image at a time through ``predict``, and Grad-CAM by tape, image by image, for what is bad."""
    tf, keras, model, side = keras_model(folder, threads)
    judge = keras.Model(model.input, model.get_layer("probs").output)
    both = keras.Model(model.input, [model.get_layer("features").output, model.get_layer("probs").output])
    bad = int((folder / "bad.txt").read_text(encoding="utf-8"))
    for number, picture in enumerate(pictures(folder, side)):
        batch = picture[None]
        winner = int(judge.predict(batch, verbose=0).argmax())
        if number < bad:
            with tf.GradientTape() as tape:
                features, probs = both(batch)
                score = probs[:, winner]
            weights = tf.reduce_mean(tape.gradient(score, features), axis=(0, 1, 2))
            heat = tf.maximum(tf.reduce_sum(features[0] * weights, axis=-1), 0)
            heat.numpy()


def batches(folder: Path, threads: int) -> None:
    """All images in batches of 32 through ``predict``; no heat maps."""
    _, keras, model, side = keras_model(folder, threads)
    judge = keras.Model(model.input, model.get_layer("probs").output)
    judge.predict(np.stack(pictures(folder, side)), batch_size=32, verbose=0)


def bare(folder: Path, threads: int, precision: str) -> None:
    """The engine alone, on images that lie ready; prints images per second and processor milliseconds an image."""
    from hydra_core.models.engine import load

    engine = load(folder / "model", threads=threads, precision=precision)  # type: ignore[arg-type]
    _, side = (folder / "network.txt").read_text(encoding="utf-8").split()
    ready = np.stack([picture.astype(np.uint8) for picture in pictures(folder, int(side))])
    engine.predict(ready)
    walls, processors = [], []
    for _ in range(5):
        begun, worked = time.perf_counter(), time.process_time()
        engine.predict(ready)
        walls.append((time.perf_counter() - begun) / len(ready))
        processors.append((time.process_time() - worked) / len(ready))
    print(json.dumps({"images_per_s": 1 / min(walls), "cpu_ms": 1000 * min(processors)}))


if __name__ == "__main__":
    way, where, cores = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if way.startswith("bare-"):
        bare(where, cores, way.removeprefix("bare-"))
    else:
        {"one_by_one": one_by_one, "batches": batches}[way](where, cores)
