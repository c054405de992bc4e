"""One step of a training, on one device or on several, and the state that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from hydra_core.models.arrays import AnyArray, Floats, Images, Ints
from hydra_core.models.asked import TrainSpec
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import OWN_HEAD


class Steps:
    """The optimiser at work on a model.

    Parameters
    ----------
    model
        Of `networks.build`, built in the scope of `strategy`.
    weights
        How much an image of each class weighs, float32, shape (c,).
    strategy
        TensorFlow's; that of one device where None.
    """

    def __init__(self, model: Any, spec: TrainSpec, weights: Floats, strategy: Any = None) -> None:
        tf, keras = tensorflow()
        self._model, self._spec, self._tf = model, spec, tf
        self._strategy = strategy or tf.distribute.get_strategy()
        with self._strategy.scope():
            self._optimizer = keras.optimizers.Adam(spec.learning_rate or 1e-3)
            self._optimizer.build(model.trainable_variables)
        self._averages = [
            tf.Variable(tf.convert_to_tensor(one), trainable=False) for one in model.weights if spec.keep == "averaged"
        ]
        self._step = self._compiled_step(np.asarray(weights, np.float32))
        self._normalising = list(_normalising(model, keras))

        picture = tf.TensorSpec(model.inputs[0].shape, tf.uint8)

        @tf.function(input_signature=[picture], autograph=False)  # type: ignore[untyped-decorator]
        def probabilities(batch: Any) -> Any:
            return model(tf.cast(batch, tf.float32), training=False)["probs"]

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def blend(decay: Any) -> None:
            for mean, one in zip(self._averages, model.weights, strict=True):
                mean.assign(decay * mean + (1 - decay) * tf.convert_to_tensor(one))

        @tf.function(input_signature=[picture], autograph=False)  # type: ignore[untyped-decorator]
        def counted(batch: Any) -> None:
            # The same images on every device, so that all of them count the same.
            self._strategy.run(lambda: model(tf.cast(batch, tf.float32), training=True))

        #: Images uint8 (n, h, w, 3) -> probabilities (n, c).
        self.probabilities = probabilities
        self._blend, self._counted = blend, counted

    def _compiled_step(self, weights: Floats) -> Any:
        tf, model, spec = self._tf, self._model, self._spec
        variables, optimizer, strategy = model.trainable_variables, self._optimizer, self._strategy
        own = any(layer.name == OWN_HEAD for layer in model.layers)
        classes = len(weights)

        def on_one(batch: Any, wanted: Any) -> Any:
            target = tf.one_hot(wanted, classes) * (1 - spec.label_smoothing) + spec.label_smoothing / classes
            with tf.GradientTape() as tape:
                out = model(tf.cast(batch, tf.float32), training=True)
                # The softmax of logarithms of probabilities are those probabilities.
                logits = tf.math.log(tf.maximum(out["probs"], 1e-7)) if own else tf.reduce_mean(out["cam"], axis=(1, 2))
                each = tf.nn.softmax_cross_entropy_with_logits(target, logits) * tf.gather(weights, wanted)
                # Divided by the whole batch: the gradients of several devices are added.
                loss = tf.reduce_sum(each) / spec.batch
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
        def step(batch: Any, wanted: Any, rate: Any) -> Any:
            optimizer.learning_rate.assign(rate)
            return strategy.reduce("SUM", strategy.run(on_one, args=(batch, wanted)), axis=None)

        return step

    def take(self, batch: Images, wanted: Ints, rate: float, decay: float) -> Any:
        """Learn from one batch and return its loss; `rate` is the learning rate, `decay` that of the average."""
        share = self._strategy.num_replicas_in_sync
        inputs: tuple[Any, Any] = (self._tf.constant(batch), self._tf.constant(wanted))
        if share > 1:
            inputs = (self._dealt(batch, share), self._dealt(wanted, share))
        loss = self._step(*inputs, self._tf.constant(rate, self._tf.float32))
        if self._averages:
            self._blend(self._tf.constant(decay, self._tf.float32))
        return loss

    def _dealt(self, values: AnyArray, share: int) -> Any:
        parts = np.array_split(values, share)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: self._tf.constant(parts[context.replica_id_in_sync_group])
        )

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the model its averaged weights inside the block, where there are any."""
        if not self._averages:
            yield
            return
        own = self._model.get_weights()
        self.keep_average()
        try:
            yield
        finally:
            self._model.set_weights(own)

    def count_anew(self, batches: Iterable[Images]) -> None:
        """Give batch normalisation the statistics that go with the weights of this moment.

        Its running statistics follow behind weights that move, and the average of many is not what averaged weights
        give. Judged by those, a network says something else than what it has learned.

        Parameters
        ----------
        batches
            One or more, uint8, shape (n, h, w, 3): images as judging shows them, with classes as often as the training
            shows them. The mean over the batches is kept.
        """
        if not self._normalising:
            return
        momenta = [layer.momentum for layer in self._normalising]
        known = [one for layer in self._normalising for one in (layer.moving_mean, layer.moving_variance)]
        batch_by_batch = []
        for layer in self._normalising:
            layer.momentum = 0.0
        try:
            for batch in batches:
                self._counted(self._tf.constant(batch))
                batch_by_batch.append([one.numpy() for one in known])
        finally:
            for layer, momentum in zip(self._normalising, momenta, strict=True):
                layer.momentum = momentum
        for one, values in zip(known, zip(*batch_by_batch, strict=True), strict=True):
            one.assign(np.mean(values, axis=0, dtype=np.float64).astype(np.float32))

    def keep_average(self) -> None:
        """Give the model its averaged weights for good."""
        self._model.set_weights([one.numpy() for one in self._averages])

    def state(self) -> dict[str, list[AnyArray]]:
        """Return all that the next step depends on."""
        return {
            "model": [np.asarray(one) for one in self._model.variables],
            "optimizer": [np.asarray(one) for one in self._optimizer.variables],
            "average": [one.numpy() for one in self._averages],
        }

    def restore(self, state: Mapping[str, list[AnyArray]]) -> bool:
        """Take up a state of `state`; say whether it fits."""
        mine = {"model": self._model.variables, "optimizer": self._optimizer.variables, "average": self._averages}
        pairs = [(mine[name], state.get(name, [])) for name in mine]
        if any([tuple(one.shape) for one in have] != [one.shape for one in found] for have, found in pairs):
            return False
        for have, found in pairs:
            for variable, value in zip(have, found, strict=True):
                variable.assign(value)
        return True


def _normalising(model: Any, keras: Any) -> Iterator[Any]:
    """Yield the layers of batch normalisation, those of nested models too."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer
        elif hasattr(layer, "layers"):
            yield from _normalising(layer, keras)
