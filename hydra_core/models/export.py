"""From a trained network to the folder that jobs load: engine, weights, golden batch, card."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.base.files import atomic_folder, sha256_file, write_json
from hydra_core.models.answers import Answers
from hydra_core.models.arrays import Floats, Images, Ints
from hydra_core.models.derivatives import NoDerivativeError
from hydra_core.models.engine import BATCH, Engine, Prediction, load
from hydra_core.models.evidence import DRIFT, Evidence, difference, golden_weights
from hydra_core.models.gradcam import grad_cam, score_of
from hydra_core.models.int8 import Trial, make_int8
from hydra_core.models.lazy import openvino, openvino_converter, tensorflow
from hydra_core.models.networks import OWN_HEAD, fine_stage, outputs_seen
from hydra_core.models.residual import fit_residual
from hydra_core.models.spec import ANSWERS_FILE, RESIDUAL_FILE, Golden, Int8, ModelCard, TrainingError
from hydra_core.models.trusted import OUTPUTS, SCORE, STAGE

#: Largest difference in probability between the exported engine and the training framework.
PARITY = 1e-4

GOLDEN_IMAGES = 8


@dataclass(frozen=True)
class Exported:
    """What an export adds to the card: hashes of the files, and how well engine, framework and 8 bits agree."""

    files: dict[str, str]
    golden: Golden
    int8: Int8 = field(default_factory=Int8)


def export(
    model: Any,
    images: Images,
    folder: Path,
    card_of: Callable[[Exported], ModelCard],
    *,
    classes: Sequence[str],
    threads: int,
    good: Images | None = None,
    temperature: float = 1.0,
    answers: Answers | None = None,
    trial: Trial | None = None,
) -> ModelCard:
    """Write a model folder; it appears complete or not at all, ``model.json`` last.

    Parameters
    ----------
    model
        A Keras model of `networks.build`.
    images
        uint8, shape (n, h, w, 3), n >= 1: validation images for the parity check; up to 8 of them become the golden
        batch.
    folder
        Does not exist yet; one that exists is kept as it is.
    card_of
        Makes the card from what the export found.
    classes
        Names of the classes, in the order of the network's outputs.
    threads
        Cores for the parity check.
    good
        uint8, shape (m, h, w, 3): good training images, from which the map of what differs is learned; with fewer
        than 8 the model has no such map.
    temperature
        By which logits are divided from now on; `model` itself may be changed.
    answers
        What the model said at that temperature, kept beside it.
    trial
        With what an 8-bit engine is made and tried; none is made where None.

    Raises
    ------
    TrainingError
        When the exported engine and Keras disagree.
    """
    model = with_temperature(model, temperature)
    expected = predict_keras(model, images)
    with atomic_folder(folder) as temp:
        model.save_weights(temp / "model.weights.h5")
        stage = fine_stage(model)
        convert(model, temp / "engine.xml", stage)
        size = (int(images.shape[1]), int(images.shape[2]))
        engine = Engine.compile(
            (temp / "engine.xml").read_bytes(), (temp / "engine.bin").read_bytes(), size=size, threads=threads
        )
        parity = _check_parity(engine.predict(images), expected)
        golden = _spread(expected.probs)
        told = {name: getattr(expected, name)[golden] for name in OUTPUTS}
        residual = fit_residual(good) if good is not None else None
        if residual is not None:
            (temp / RESIDUAL_FILE).write_bytes(residual.to_bytes())
            told["residual"] = residual.differences(images[golden])
        why_not = "no layer gives finer maps than its class maps"
        if stage is not None:
            maps, why_not = _golden_maps(model, stage, images[golden], engine, threads)
            if maps is None:
                convert(model, temp / "engine.xml")
                stage = None
            else:
                told["evidence"] = maps
        buffer = io.BytesIO()
        np.savez(buffer, classes=np.array(classes), images=images[golden], **told)
        (temp / "golden.npz").write_bytes(buffer.getvalue())
        if answers is not None:
            (temp / ANSWERS_FILE).write_bytes(answers.to_bytes())
        int8 = make_int8(temp, trial, threads=threads) if trial is not None else Int8()
        files = {path.name: sha256_file(path) for path in sorted(temp.iterdir())}
        told_maps = {"stage": stage.name if stage is not None else "", "why_no_stage": why_not}
        card = card_of(Exported(files, Golden(images=len(golden), parity=parity, **told_maps), int8))
        write_json(temp / "model.json", card.model_dump(mode="json"))
        load(temp, threads=threads)
    return card


def _golden_maps(model: Any, stage: Any, images: Images, engine: Engine, threads: int) -> tuple[Floats | None, str]:
    """Return the maps of the golden batch by the training framework, or None and why the engine cannot give them."""
    asked = golden_weights(len(images), model.output["probs"].shape[-1])
    try:
        got = Evidence.compile(engine, threads=threads).maps(engine.features(images), asked)
    except (NoDerivativeError, RuntimeError) as error:
        return None, str(error).splitlines()[0][:200]
    expected = grad_cam(model, images, asked.shape[1] - 1, against=0, layer=stage.name, each_place=True)
    apart = float(np.median([difference(one, other) for one, other in zip(got, expected, strict=True)]))
    if not apart <= DRIFT:
        return None, f"the engine's maps are not those of the training framework: they differ by {apart:.2g}"
    return expected, ""


def with_temperature(model: Any, temperature: float) -> Any:
    """Return a network whose logits are divided by `temperature`: its maps with them, where these are the decision.

    Parameters
    ----------
    model
        Of `networks.build`, in float32. One whose maps are the decision is changed itself; a network of a site gets
        layers behind its own, which have no weights.
    """
    if temperature == 1:
        return model
    if not any(layer.name == OWN_HEAD for layer in model.layers):
        kernel = model.get_layer("cam").kernel
        kernel.assign(kernel / temperature)
        return model
    _, keras = tensorflow()
    logs = keras.ops.log(keras.ops.maximum(model.output["probs"], float(np.finfo(np.float32).tiny)))
    cooled = keras.layers.Rescaling(1 / temperature, dtype="float32", name="temperature")(logs)
    probs = keras.layers.Softmax(dtype="float32", name="calibrated")(cooled)
    return keras.Model(model.input, {**model.output, "probs": probs}, name=model.name)


def convert(model: Any, xml: Path, stage: Any = None) -> None:
    """Write ``engine.xml`` and ``engine.bin`` in float32, with what maps at the layer `stage` need where it is given.

    Converted from the traced function directly: Keras' own exporter does the same, but only where scipy is installed.
    """
    tf, _ = tensorflow()
    ov = openvino()
    signature = [tf.TensorSpec(model.inputs[0].shape, tf.float32, name="image")]

    def ask(image: Any) -> dict[str, Any]:
        if stage is None:
            return dict(model(image, training=False))
        with outputs_seen(stage) as seen:
            said = model(image, training=False)
        return {**said, STAGE: tf.cast(seen[0], tf.float32), SCORE: score_of(tf, model, said)}

    traced = tf.function(ask, input_signature=signature, autograph=False)
    ov.serialize(openvino_converter()(traced.get_concrete_function()), str(xml))


def predict_keras(model: Any, images: Images) -> Prediction:
    """Run a Keras model over uint8 images (n, h, w, 3), in batches of 8 (n >= 1)."""
    parts = [
        {k: np.asarray(v) for k, v in model(images[i : i + BATCH].astype(np.float32), training=False).items()}
        for i in range(0, len(images), BATCH)
    ]
    return Prediction(*(np.concatenate([part[name] for part in parts]) for name in ("probs", "embed", "cam")))


def _check_parity(got: Prediction, expected: Prediction) -> float:
    difference = float(np.abs(got.probs - expected.probs).max())
    flips = int((got.probs.argmax(1) != expected.probs.argmax(1)).sum())
    if not difference < PARITY or flips:  # not <: NaN must fail too
        raise TrainingError(
            f"the exported engine disagrees with the trained network: {flips} of {len(got.probs)} validation images "
            f"change class, probabilities differ by up to {difference:.2g}",
            next_step="train again with another seed; if it stays, report it with the training log",
        )
    return difference


def _spread(probs: Floats) -> Ints:
    """Return up to 8 indices that show every class before they show one twice."""
    called = probs.argmax(1)
    turn = np.zeros(len(probs), dtype=int)
    for c in np.unique(called):
        turn[called == c] = np.arange(int((called == c).sum()))
    return np.argsort(turn, kind="stable")[:GOLDEN_IMAGES]
