"""What is asked of a training, and what a finished model says of itself (``model.json``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hydra_core.base.errors import HydraError

#: Version of the form of ``model.json``.
CARD_VERSION: Literal[1] = 1

#: The files of a model beside ``model.json``; a folder with any other file is refused.
MODEL_FILES = ("engine.bin", "engine.xml", "golden.npz", "model.weights.h5")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=16, le=1024)]


class TrainingError(HydraError):
    """The labelled images do not suffice for a network, or the training itself did not hold."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrainSpec(_Frozen):
    """How to train one network.

    Attributes
    ----------
    size
        Height and width of the network's input in pixels.
    epochs, patience
        Most epochs, and how many without progress on the validation runs end the training (not in
        its first third).
    min_steps
        Steps an epoch has at least; small sets are drawn from again to fill them.
    sampling
        ``rotating``: every epoch takes as many images of each class as the rarest class has, other ones each time.
        ``all``: every epoch takes every image once.
    shift
        Largest random shift in pixels at 128 pixels of input; it never changes what a plot means.
    fractions
        Wanted shares of training, validation and test; whole runs are dealt, so the real shares differ.
    min_examples
        A class with fewer images is left out.
    """

    network: str = "compact"
    size: tuple[Pixels, Pixels] = (128, 128)
    epochs: int = Field(default=60, ge=1, le=2000)
    batch: int = Field(default=16, ge=2, le=512)
    min_steps: int = Field(default=24, ge=1, le=1000)
    learning_rate: float = Field(default=2e-3, gt=0, le=1)
    sampling: Literal["rotating", "all"] = "rotating"
    shift: int = Field(default=3, ge=0, le=16)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    patience: int = Field(default=15, ge=1, le=2000)
    fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    min_examples: int = Field(default=6, ge=2)

    @model_validator(mode="after")
    def _shares_add_up(self) -> TrainSpec:
        if abs(sum(self.fractions) - 1) > 1e-6 or self.fractions[0] <= 0:
            raise ValueError("fractions must add up to 1, with some share for training")
        return self


class Threshold(_Frozen):
    """From which probability on a class is confirmed.

    Attributes
    ----------
    value
        The class is confirmed at this probability or above.
    method
        ``max F1`` or ``default: …`` with the reason.
    n, positives
        Validation examples it was taken from, and how many of them are of the class.
    f1
        F1 on those examples at `value`; None where nothing can be said.
    """

    value: Share
    method: str
    n: int = Field(ge=0)
    positives: int = Field(ge=0)
    f1: Share | None


class ClassMetrics(_Frozen):
    """How one class fared; None where the quotient has no meaning (never called, or no example)."""

    precision: Share | None
    recall: Share | None
    f1: Share | None
    support: int = Field(ge=0)


class Metrics(_Frozen):
    """Results on one set of images.

    Attributes
    ----------
    confusion
        Counts: row = true class, column = called class, both in the order of `classes`.
    macro_f1
        Mean F1 of the classes that have examples in the set.
    images
        SHA-256 over the sorted hashes of the images: two results compare only if this is the same.
    """

    classes: tuple[str, ...]
    n: int = Field(ge=0)
    accuracy: Share
    macro_f1: Share
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]
    images: str


class Epoch(_Frozen):
    """One point of the learning curve; the validation values are None when there are no validation runs."""

    epoch: int
    images: int
    loss: float
    validation_loss: float | None
    validation_accuracy: Share | None
    validation_macro_f1: Share | None


class Golden(_Frozen):
    """The few images whose outputs are checked again whenever the model is loaded."""

    images: int = Field(ge=1, le=8)
    tolerance: float = Field(default=1e-3, gt=0, le=1e-3)
    parity: float = Field(ge=0)
    """Largest difference in probability between engine and training framework on the validation images."""


class TrainingFacts(_Frozen):
    """Where a model comes from.

    Attributes
    ----------
    fingerprint
        SHA-256 over the specification and the training images: the same one means the same training.
    images, runs
        Counts per side (training, validation, test, and ``left out``).
    left_out
        Class -> why it is not among the model's classes.
    """

    fingerprint: Sha256
    spec: TrainSpec
    images: dict[str, int]
    runs: dict[str, tuple[int, ...]]
    class_images: dict[str, dict[str, int]]
    left_out: dict[str, str]
    best_epoch: int
    seconds: float = Field(ge=0)
    threads: int = Field(ge=1)
    libraries: dict[str, str]
    code: str
    finished_at: str


class ModelCard(_Frozen):
    """``model.json``: everything that is known of a model without loading it."""

    version: Literal[1] = CARD_VERSION
    network: str
    size: tuple[Pixels, Pixels]
    classes: tuple[str, ...] = Field(min_length=2)
    preprocessing: Sha256
    files: dict[str, Sha256]
    thresholds: dict[str, Threshold]
    test: Metrics | None
    validation: Metrics | None
    curve: tuple[Epoch, ...]
    training: TrainingFacts
    golden: Golden

    @model_validator(mode="after")
    def _consistent(self) -> ModelCard:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is named twice")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds and classes differ")
        if set(self.files) != set(MODEL_FILES):
            raise ValueError(f"files must be exactly {', '.join(MODEL_FILES)}")
        return self
