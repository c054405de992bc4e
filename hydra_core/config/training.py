"""``[training]`` of a site, and what a plot type changes of it: ``[plot.input]`` and ``[plot.training]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hydra_core.config.strict import Strict

#: Which images an epoch shows; `hydra_core.models.sampling` says what each does.
Sampling = Literal["normal", "undersample", "oversample", "rotating"]
ClassWeights = Literal["none", "balanced"]
#: Changes of a training image that leave its meaning alone; which ones do depends on the plot.
Augmentation = Literal["shift", "flip_x", "flip_y", "rotate90", "brightness"]
#: Which weights a training ends with.
Keep = Literal["best", "averaged"]
#: Arithmetic of a training; ``auto`` takes bfloat16 where the machine has it built in.
Arithmetic = Literal["auto", "float32", "mixed_bfloat16"]
Aspect = Literal["stretch", "pad"]
#: How the confidence from which on a class is confirmed is chosen; `hydra_core.models.thresholds` says what each does.
ThresholdRule = Literal["max_f1", "false_alarms", "recall"]

#: From which confidence on a class is confirmed as long as too few images are there to choose it by: so cautious that
#: a close call asks for a look.
UNLEARNED_THRESHOLD = 0.9

Fraction = Annotated[float, Field(ge=0, le=1)]
#: Neither none nor all.
Part = Annotated[float, Field(gt=0, lt=1)]
Pixels = Annotated[int, Field(ge=16, le=1024)]


def _is_a_box(value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = value
    if not (left < right and top < bottom):
        raise ValueError(f"a box is [left, top, right, bottom] with left below right and top below bottom, not {value}")
    return value


#: A box as fractions of width and height from the upper left: left, top, right, bottom.
BoxOfFractions = Annotated[tuple[Fraction, Fraction, Fraction, Fraction], AfterValidator(_is_a_box)]


def _named_once(value: tuple[Augmentation, ...]) -> tuple[Augmentation, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a change is named twice")
    return value


Augmentations = Annotated[tuple[Augmentation, ...], AfterValidator(_named_once)]


class PlotInput(Strict):
    """``[plot.input]``: what a network sees of a plot type; what is not given is as at the site."""

    size: tuple[Pixels, Pixels] | None = None
    """Network input, (height, width) in pixels; the site's where not given."""
    aspect: Aspect = "stretch"
    """``"pad"``: the picture keeps its proportions, and the rest is filled with the commonest colour of its edge."""
    masks: Annotated[tuple[BoxOfFractions, ...], Field(max_length=16)] = ()
    """Boxes (left, top, right, bottom in fractions) that no network sees: titles and statistics boxes."""


class PlotTraining(Strict):
    """``[plot.training]``: how networks of a plot type are trained; what is not given is as at the site."""

    sampling: Sampling | None = None
    augment: Augmentations = ("shift",)
    """Changes that leave the meaning of this plot alone."""
    emulate_bad: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Emulated faults to train with while no label names a problem; for plot types that come as histograms."""
    thresholds: ThresholdRule | None = None
    false_alarms: Part | None = None
    recall: Part | None = None


class TrainingSection(Strict):
    """``[training]``: when and how a model is trained from labels."""

    network: str = "auto"
    """``"auto"``: ``inceptionv3`` where trainings have a GPU, else ``compact``."""
    network_module: str = ""
    """For the network ``own``: ``package.module:function``."""
    weights: str = ""
    """A file NAME.weights.h5 from which the body of the network starts; it must fit the network."""
    size: tuple[Pixels, Pixels] | None = None
    """Network input, (height, width) in pixels; 299 x 299 where ``"auto"`` takes ``inceptionv3``, else 128 x 128."""
    epochs: Annotated[int, Field(ge=1)] = 24
    sampling: Sampling = "rotating"
    class_weights: ClassWeights = "none"
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    keep: Keep = "averaged"
    """The running average of the weights at the end, or those of the best epoch on the validation runs."""
    arithmetic: Arithmetic = "auto"
    thresholds: ThresholdRule = "max_f1"
    """How the confidence is chosen from which on a class is confirmed."""
    false_alarms: Part = 0.01
    """For ``"false_alarms"``: largest share of the images of other classes that may reach a class's threshold."""
    recall: Part = 0.95
    """For ``"recall"``: least share of the images of a class that is confirmed."""
    run_block: Annotated[int, Field(ge=1)] = 1
    """Neighbouring run numbers that are dealt to training, validation and test as one."""
    near: Annotated[float, Field(ge=0, le=0.2)] = 0.01
    """Share of their structure by which two images may differ and still count as copies; 0: equal images alone."""
    int8: bool = False
    """Also make an engine in 8 bits; it is kept where it is shown to change no decision."""
    seed: int = 20260117
    min_labels: Annotated[int, Field(ge=4)] = 24
    min_new: Annotated[int, Field(ge=1)] = 12
    """Labels since the last training that make the next one worth while."""
    min_macro_f1: Annotated[float, Field(ge=0, le=1)] = 0.8
    """A candidate under this on runs it never saw does not go live."""
    problem_required: bool = True
    """A model that has never seen a problem class may not go live."""
