"""What is asked of a training: how a plot is shown to a network, and how that network learns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hydra_core.config.training import (
    Arithmetic,
    Aspect,
    Augmentations,
    BoxOfFractions,
    ClassWeights,
    Fraction,
    Keep,
    Part,
    Pixels,
    Sampling,
    ThresholdRule,
)

Masks = Annotated[tuple[BoxOfFractions, ...], Field(max_length=16)]


class Frozen(BaseModel):
    """Never changed after it was made, and free of keys and numbers that mean nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputSpec(Frozen):
    """How a plot is shown to a network; part of a model's identity.

    Attributes
    ----------
    size
        Height and width of the network's input in pixels.
    aspect
        ``stretch`` fills the input; ``pad`` keeps the proportions and fills the rest with the commonest colour of
        the picture's edge.
    masks
        Boxes (left, top, right, bottom as fractions of width and height) that are filled with that colour before
        the picture is resized: a title or a statistics box can give the answer away.
    """

    size: tuple[Pixels, Pixels] = (128, 128)
    aspect: Aspect = "stretch"
    masks: Masks = ()


class TrainSpec(Frozen):
    """How to train one network.

    Attributes
    ----------
    network
        A name that `networks.build` knows.
    network_module
        For the network ``own``: ``package.module:function``.
    weights
        File NAME.weights.h5 from which the body starts; empty for fresh weights.
    size, aspect, masks
        See `InputSpec`.
    network_why
        Why this network was taken, where nobody named it.
    epochs, patience
        Most epochs, and how many without progress on the validation runs end the training (not in
        its first third, and never where `keep` is ``averaged``).
    min_steps
        Steps an epoch has at least; small sets are drawn from again to fill them. So a scheme that shows few images
        an epoch still takes ``epochs * min_steps`` steps of the optimiser, without which it would not get far.
    learning_rate
        Its peak; None takes what suits the network.
    sampling, balance_to
        See `sampling.epoch_order`.
    class_weights
        ``balanced``: an image of a class that an epoch shows rarely weighs as much more.
    label_smoothing
        Share of the wanted probability that is spread over all classes.
    augment
        Changes that leave the meaning of the plot alone.
    shift
        Largest random shift in pixels at 128 pixels of input.
    keep, average_over
        ``averaged``: the running average of the weights over about `average_over` steps, at the end of the training.
        ``best``: the weights of the best epoch on the validation runs.
    bn_momentum
        Of batch normalisation while it trains; what it judges by is counted anew for the weights that are kept.
    arithmetic
        ``mixed_bfloat16`` computes in bfloat16 and keeps weights in float32; ``auto`` does so where it gains.
    thresholds, false_alarms, recall
        How the confidence is chosen from which on a class is confirmed; see `thresholds.Policy`.
    fractions
        Wanted shares of training, validation and test; whole runs are dealt, so the real shares differ.
    run_block
        Neighbouring run numbers that are dealt as one.
    near
        Share of their structure by which two images may differ and still count as copies; 0: equal ones alone.
    int8
        Also make an engine in 8 bits, which is kept where it is shown to change no decision.
    min_examples
        A class with fewer images is left out.
    """

    network: str = "compact"
    network_module: str = ""
    weights: str = ""
    size: tuple[Pixels, Pixels] = (128, 128)
    aspect: Aspect = "stretch"
    masks: Masks = ()
    network_why: str = ""
    epochs: int = Field(default=60, ge=1, le=2000)
    batch: int = Field(default=16, ge=2, le=512)
    min_steps: int = Field(default=24, ge=1, le=1000)
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    sampling: Sampling = "rotating"
    balance_to: str = "Bad"
    class_weights: ClassWeights = "none"
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    augment: Augmentations = ("shift",)
    shift: int = Field(default=3, ge=0, le=16)
    keep: Keep = "averaged"
    average_over: int = Field(default=50, ge=1, le=10_000)
    bn_momentum: float = Field(default=0.9, gt=0, lt=1)
    arithmetic: Arithmetic = "auto"
    thresholds: ThresholdRule = "max_f1"
    false_alarms: Part = 0.01
    recall: Part = 0.95
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    patience: int = Field(default=15, ge=1, le=2000)
    fractions: tuple[Fraction, Fraction, Fraction] = (0.7, 0.15, 0.15)
    run_block: int = Field(default=1, ge=1)
    near: float = Field(default=0.01, ge=0, le=0.2)
    int8: bool = False
    min_examples: int = Field(default=6, ge=2)

    @model_validator(mode="after")
    def _can_be_done(self) -> TrainSpec:
        if abs(sum(self.fractions) - 1) > 1e-6 or self.fractions[0] <= 0:
            raise ValueError("fractions must add up to 1, with some share for training")
        if "rotate90" in self.augment and self.size[0] != self.size[1]:
            raise ValueError("only a square input can be turned by a quarter")
        return self

    @property
    def input(self) -> InputSpec:
        """How a plot is shown to the network."""
        return InputSpec(size=self.size, aspect=self.aspect, masks=self.masks)
