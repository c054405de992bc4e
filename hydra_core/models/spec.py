"""What is asked of a training, and what a finished model says of itself (``model.json``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hydra_core.base.errors import HydraError
from hydra_core.config.training import Aspect, Pixels
from hydra_core.models.asked import Frozen, InputSpec, Masks
from hydra_core.models.asked import TrainSpec as TrainSpec

#: Version of the form of ``model.json``. Earlier ones are read as they stand: version 3 is the same without a stage for
#: heat maps, and version 2 also without `Calibration`, `FaultRecall` and reliability.
CARD_VERSION: Literal[4] = 4

#: The files of a model beside ``model.json``; a folder with any other file is refused.
MODEL_FILES = ("engine.bin", "engine.xml", "golden.npz", "model.weights.h5")

#: What good plots look like, where enough of them were among the training images.
RESIDUAL_FILE = "residual.npz"

#: What the model said of its validation and test images; models of earlier versions have none.
ANSWERS_FILE = "answers.npz"

#: The network in 8 bits, where it was shown to change no decision.
INT8_XML, INT8_BIN = "engine-int8.xml", "engine-int8.bin"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class TrainingError(HydraError):
    """The labelled images do not suffice for a network, or the training itself did not hold."""


class Threshold(Frozen):
    """From which probability on a class is confirmed.

    Attributes
    ----------
    value
        The class is confirmed at this probability or above.
    method
        ``max F1``, ``default: …`` with the reason, or the policy with its numbers; at most 100 characters.
    n, positives
        Validation examples it was taken from, and how many of them are of the class.
    f1
        F1 on those examples at `value`; None where nothing can be said.
    chosen
        ``asked``: as the training asks for. ``stand_in``: where F1 is largest, as a budget needs more images.
        ``limit``: the strictest or most lenient one, as none keeps the budget. ``default``: nothing to choose it by.
        None in models that were made before this was noted.
    """

    value: Share
    method: str
    n: int = Field(ge=0)
    positives: int = Field(ge=0)
    f1: Share | None
    chosen: Literal["asked", "stand_in", "limit", "default"] | None = None


class Range(Frozen):
    """Where a figure, or a difference of two, lies with 95 % confidence, had other runs been the test."""

    low: float
    high: float


class Interval(Range):
    """The range of a figure that is a share."""

    low: Share
    high: Share


class Bin(Frozen):
    """Images of about the same confidence.

    Attributes
    ----------
    confidence, right
        Mean confidence, and share of right answers.
    """

    confidence: Share
    right: Share
    images: int = Field(ge=1)


class ClassMetrics(Frozen):
    """How one class fared; None where the quotient has no meaning (never called, or no example).

    Attributes
    ----------
    precision_interval, recall_interval
        None where the figure is None, or where too few runs were tested.
    """

    precision: Share | None
    recall: Share | None
    f1: Share | None
    support: int = Field(ge=0)
    precision_interval: Interval | None = None
    recall_interval: Interval | None = None


class Metrics(Frozen):
    """Results on one set of images.

    Attributes
    ----------
    confusion
        Counts: row = true class, column = called class, both in the order of `classes`.
    macro_f1
        Mean F1 of the classes that have examples in the set.
    images
        SHA-256 over the sorted hashes of the images: two results compare only if this is the same.
    accuracy_interval, macro_f1_interval
        None where too few runs were tested, or the model is of a version that gave none; `no_interval` says which.
    calibration_error
        Mean distance between confidence and share of right answers, over bins of equally many images.
    reliability
        What the confidence of the called class means, from low to high, each bin a tenth wide; empty ones are left out.
    unconfirmed
        Share of the images whose winner lies below its threshold.
    """

    classes: tuple[str, ...]
    n: int = Field(ge=0)
    accuracy: Share
    macro_f1: Share
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]
    images: str
    accuracy_interval: Interval | None = None
    macro_f1_interval: Interval | None = None
    no_interval: str = ""
    calibration_error: Share | None = None
    reliability: tuple[Bin, ...] = ()
    unconfirmed: Share | None = None


class Calibration(Frozen):
    """How confidence was brought in line with the share of right answers.

    Attributes
    ----------
    temperature
        By which all logits are divided; part of the exported network already.
    why_not
        Why the temperature is 1; empty where it was fitted.
    images, wrong
        Validation images it was fitted on, and how many of them are called wrong.
    before, after
        Calibration error on the test images; None without a test.
    """

    temperature: float = Field(default=1.0, gt=0)
    why_not: str = "the model was made before there was calibration"
    images: int = Field(default=0, ge=0)
    wrong: int = Field(default=0, ge=0)
    before: Share | None = None
    after: Share | None = None


class FaultRecall(Frozen):
    """How often an emulated fault, planted into good test plots, was not called good.

    Attributes
    ----------
    kind
        Of `emulate.faults.FAULTS`; ``none`` for the same plots as they are.
    found
        How many of the images were called another class than a normal one.
    interval
        Where the share lies with 95 %, for these plots and places of faults drawn anew.
    """

    kind: str
    images: int = Field(ge=1)
    found: int = Field(ge=0)
    interval: Interval


class Epoch(Frozen):
    """One point of the learning curve; the validation values are None when there are no validation runs."""

    epoch: int
    images: int
    loss: float
    validation_loss: float | None
    validation_accuracy: Share | None
    validation_macro_f1: Share | None


class Golden(Frozen):
    """The few images whose outputs are checked again whenever the model is loaded."""

    images: int = Field(ge=1, le=8)
    tolerance: float = Field(default=1e-3, gt=0, le=1e-3)
    parity: float = Field(ge=0)
    """Largest difference in probability between engine and training framework on the validation images."""
    stage: str = ""
    """Layer at which the engine makes heat maps by gradients; empty where its class maps must do."""
    why_no_stage: str = "the model was made before there were maps by gradients"


class Int8(Frozen):
    """Whether the model may judge in 8 bits.

    Attributes
    ----------
    why_not
        Why there is no 8-bit engine; empty where there is one.
    images
        Validation and test images on which f32 and 8 bits were compared; 0 where they were not.
    drift
        Largest change of a probability seen there.
    band
        What could be decided otherwise if a log odds changed by this much is judged again in f32.
    again
        Share of those images that was judged again.
    faster
        How many times as fast as f32, with what is judged again; on the machine of the training.
    """

    why_not: str = "the training was not asked for it"
    images: int = Field(default=0, ge=0)
    drift: Share = 0.0
    band: float = Field(default=0.0, ge=0)
    again: Share = 0.0
    faster: float = Field(default=0.0, ge=0)

    @property
    def told(self) -> str:
        """What was found, as a sentence without its full stop."""
        if self.why_not:
            return f"not used: {self.why_not}"
        return (
            f"{self.faster:.1f} times as fast as f32, with the {self.again:.1%} of {self.images} images that were "
            f"judged again; every decision is that of f32; a probability moved by {self.drift:.2g} at most"
        )


class TrainingFacts(Frozen):
    """Where a model comes from.

    Attributes
    ----------
    fingerprint
        SHA-256 over the specification and the training images: the same one means the same training.
    images, runs
        Counts per side (training, validation, test, ``gold``, and ``left out``).
    left_out
        Class -> why it is not among the model's classes.
    emulated
        Class -> number of training images with an emulated fault. No figure of the model says anything of them.
    copies
        Images left out because an equal or nearly equal one lies on another side.
    head
        ``maps``: the class maps are the decision itself. ``own``: a site's whole network; its maps only say where
        its last features are active, the same for each class.
    arithmetic, replicas
        What the training computed with, and on how many devices at a time.
    """

    fingerprint: Sha256
    spec: TrainSpec
    images: dict[str, int]
    runs: dict[str, tuple[int, ...]]
    class_images: dict[str, dict[str, int]]
    left_out: dict[str, str]
    emulated: dict[str, int] = Field(default_factory=dict)
    copies: int = Field(default=0, ge=0)
    head: Literal["maps", "own"] = "maps"
    arithmetic: Literal["float32", "mixed_bfloat16"] = "float32"
    replicas: int = Field(default=1, ge=1)
    best_epoch: int
    seconds: float = Field(ge=0)
    threads: int = Field(ge=1)
    libraries: dict[str, str]
    code: str
    finished_at: str


class ModelCard(Frozen):
    """``model.json``: everything that is known of a model without loading it."""

    version: Literal[2, 3, 4] = CARD_VERSION
    network: str
    size: tuple[Pixels, Pixels]
    aspect: Aspect = "stretch"
    masks: Masks = ()
    classes: tuple[str, ...] = Field(min_length=2)
    preprocessing: Sha256
    files: dict[str, Sha256]
    thresholds: dict[str, Threshold]
    test: Metrics | None
    validation: Metrics | None
    curve: tuple[Epoch, ...]
    training: TrainingFacts
    golden: Golden
    calibration: Calibration = Calibration()
    faults: tuple[FaultRecall, ...] = ()
    int8: Int8 = Int8()

    @model_validator(mode="after")
    def _consistent(self) -> ModelCard:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is named twice")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds and classes differ")
        in_8_bits = set() if self.int8.why_not else {INT8_XML, INT8_BIN}
        if set(self.files) - {RESIDUAL_FILE, ANSWERS_FILE} != {*MODEL_FILES, *in_8_bits}:
            needed = ", ".join((*MODEL_FILES, *sorted(in_8_bits)))
            raise ValueError(f"files must be {needed}, and {RESIDUAL_FILE} and {ANSWERS_FILE} or not")
        return self

    @property
    def input(self) -> InputSpec:
        """How a plot is shown to the network."""
        return InputSpec(size=self.size, aspect=self.aspect, masks=self.masks)
