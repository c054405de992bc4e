"""What is too large for the unit tests: the published networks, several devices, and real plots with telling titles.

``make bench PYTEST="-k full_size -s"`` runs it; figures are printed.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hydra_core.intake.images import read_image
from hydra_core.models.asked import InputSpec, TrainSpec
from hydra_core.models.devices import prepare
from hydra_core.models.evidence import class_weights
from hydra_core.models.gradcam import grad_cam
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build, fine_stage
from hydra_core.models.pictures import provider_of
from hydra_core.models.pixels import model_input
from hydra_core.models.train_on import Labelled, predicted, train_on
from tests.maps_of_images import maps_of_images

pytestmark = pytest.mark.bench

TITLE = (0.0, 0.0, 1.0, 0.11)


@pytest.fixture(autouse=True)
def _cores() -> None:
    """Trainings of other tests in this process want TensorFlow to have one core."""
    prepare(threads=1, seed=0)


def test_an_attention_module_follows_each_mixed_block() -> None:
    model = build("inceptionv3_cbam", (96, 96), 3)
    _, keras = tensorflow()
    base = next(layer for layer in model.get_layer("body").layers if isinstance(layer, keras.Model))
    names = [layer.name for layer in base.layers]
    assert [name for name in names if name.endswith("_places")] == [f"cbam_mixed{k}_places" for k in range(11)]
    for k in range(10):
        # What comes after a block takes the weighed features, not the block's own.
        after = [layer for layer in base.layers if base.get_layer(f"cbam_mixed{k}_places").output in _inputs(layer)]
        assert len(after) >= 3
    assert model.count_params() > 23e6


def _inputs(layer: object) -> list[object]:
    found = getattr(layer, "input", None)
    return list(found) if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    ("network", "side", "stage", "places"),
    [
        ("inceptionv3", 299, "mixed4", 17),
        ("inceptionv3", 128, "mixed2", 13),
        ("inceptionv3_cbam", 128, "cbam_mixed2_places", 13),
        ("vgg16", 96, "block4_conv3", 12),
        ("vit_tiny", 96, None, 12),
    ],
)
def test_the_engine_gives_the_maps_of_the_training_framework(
    network: str, side: int, stage: str | None, places: int, tmp_path: Path
) -> None:
    model = build(network, (side, side), 2)
    found = fine_stage(model)
    assert (found and found.name) == stage
    if found is None:
        # Its class maps are as fine as any map of it.
        assert model.output["cam"].shape[1:3] == (places, places)
        return
    images = np.random.default_rng(1).integers(0, 256, (5, side, side, 3)).astype(np.uint8)
    got = maps_of_images(model, found, tmp_path).maps(images, np.tile(class_weights(2, 1, 0), (5, 1)))
    want = grad_cam(model, images, 1, against=0, layer=found.name, each_place=True)
    assert got.shape == (5, places, places)
    apart = np.abs(got - want) / np.abs(want).max(axis=(1, 2), keepdims=True)
    # Where a value is nearly 0, rounding decides whether a ReLU lets it through; that shows around its place.
    assert np.median(apart) < 1e-3
    assert apart.max() < 0.05


@pytest.mark.parametrize("network", ["inceptionv3", "inceptionv3_cbam", "vgg16"])
def test_published_weights_are_taken_over(network: str, tmp_path: Path) -> None:
    _, keras = tensorflow()
    kind = keras.applications.VGG16 if network == "vgg16" else keras.applications.InceptionV3
    plain = kind(include_top=False, weights=None, input_shape=(75, 75, 3))
    path = tmp_path / "plain.weights.h5"
    plain.save_weights(path)
    model = build(network, (75, 75), 2, weights=path)
    base = next(layer for layer in model.get_layer("body").layers if isinstance(layer, keras.Model))
    mine = [one for layer in base.layers if not layer.name.startswith("cbam_") for one in layer.get_weights()]
    assert all(np.array_equal(a, b) for a, b in zip(mine, plain.get_weights(), strict=True))


_TWO_DEVICES = """
import sys
from pathlib import Path
import numpy as np
from hydra_core.models.lazy import tensorflow
tf, keras = tensorflow()
only = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(only, [tf.config.LogicalDeviceConfiguration()] * 2)
from hydra_core.models import train_on as module
from hydra_core.models.asked import TrainSpec
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
module.strategy_here = lambda: mirrored
module.prepare = lambda threads, seed: keras.utils.set_random_seed(seed)
rng = np.random.default_rng(1)
images = rng.integers(100, 156, (96, 32, 32, 3)).astype(np.uint8)
images[::2, 8:18, 8:18] = 0
given = module.Labelled(images, ["Bad", "Good"] * 48, [i // 4 for i in range(96)])
spec = TrainSpec(network="tiny", size=(32, 32), epochs=4, batch=8, min_steps=8, near=0, keep="averaged")
work = Path(sys.argv[1])
def stop(line):
    if line.startswith("epoch 2/"):
        raise KeyboardInterrupt
try:
    module.train_on(spec, given, work=work, tell=stop)
except KeyboardInterrupt:
    pass
resumed = module.train_on(spec, given, work=work)
whole = module.train_on(spec, given)
assert whole.replicas == 2, whole.replicas
answers = whole.answers["test"].probs.argmax(1)
assert (answers == whole.labels[whole.side("test")]).all()
pairs = zip(resumed.model.get_weights(), whole.model.get_weights())
print("largest difference", max(float(np.abs(a - b).max()) for a, b in pairs))
assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(resumed.model.get_weights(), whole.model.get_weights()))
"""


def test_two_devices_share_a_batch_and_go_on_after_a_kill(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TWO_DEVICES, tmp_path / "work"], capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.real_data
@pytest.mark.parametrize("masked", [False, True])
def test_real_plots_are_not_told_apart_by_their_titles(masked: bool) -> None:
    """Train on real plots of two classes whose titles differ, and look at what is said when titles are exchanged."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "spectrogram_plots"
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    pictures = [read_image((folder / row["file"]).read_bytes()) for row in rows]
    names = [row["label"] for row in rows]
    seen = InputSpec(size=(96, 128), masks=(TITLE,) if masked else ())
    spec = TrainSpec(size=(96, 128), epochs=16, batch=8, min_steps=8, near=0, fractions=(0.7, 0.1, 0.2))
    images = np.stack([model_input(one, seen) for one in pictures])
    fitted = train_on(spec, Labelled(images, names, list(range(len(names)))))
    of_test = fitted.side("test")
    honest = fitted.answers["test"].probs.argmax(1) == fitted.labels[of_test]
    swapped = np.stack([model_input(_with_title_of_another(pictures, names, int(i)), seen) for i in of_test])
    called = predicted(fitted.model, provider_of(swapped), np.arange(len(of_test))).probs.argmax(1)
    exchanged = called == fitted.labels[of_test]
    print(
        f"title {'masked' if masked else 'shown'}: right on {honest.sum()} of {len(honest)} test plots, with exchanged "
        f"titles on {exchanged.sum()}"
    )
    if masked:
        assert np.array_equal(exchanged, honest)


def _with_title_of_another(pictures: list[np.ndarray], names: list[str], number: int) -> np.ndarray:
    other = next(
        i for i, name in enumerate(names) if name != names[number] and pictures[i].shape == pictures[number].shape
    )
    made = pictures[number].copy()
    title = slice(0, int(TITLE[3] * len(made)))
    made[title] = pictures[other][title]
    return made
