"""A small vision transformer (Dosovitskiy et al. 2020) whose tokens stay where they are in the plot."""

from __future__ import annotations

from typing import Any

from hydra_core.models.networks.parts import Tensor

#: Side of a patch in pixels: 16 x 16 tokens at 128 pixels, fine enough to point.
PATCH = 8
#: Features of a token, heads, and blocks: half the depth of the published "tiny" (2.8 M parameters).
WIDTH, HEADS, DEPTH = 192, 3, 6


def vit_tiny(keras: Any, image: Tensor, _momentum: float) -> Tensor:
    """Return the tokens of the last block as a map (n, h / 8, w / 8, 192).

    There is no class token: the mean over all tokens decides, so that the map of a class is what decided.
    """
    layers = keras.layers
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, padding="same", name="patches")(x)
    rows, columns = x.shape[1], x.shape[2]
    x = layers.Reshape((rows * columns, WIDTH))(x)
    x = _positions(keras)(name="positions")(x)
    for number in range(DEPTH):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"block{number}_before")(x)
        y = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"block{number}_attention")(y, y)
        x = layers.Add(name=f"block{number}_attended")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"block{number}_between")(x)
        y = layers.Dense(4 * WIDTH, activation="gelu", name=f"block{number}_wide")(y)
        y = layers.Dense(WIDTH, name=f"block{number}_narrow")(y)
        x = layers.Add(name=f"block{number}_out")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="last")(x)
    return layers.Reshape((rows, columns, WIDTH))(x)


def _positions(keras: Any) -> Any:
    """Return the layer that adds a learned vector to the token of each place."""

    class Positions(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: tuple[int, ...]) -> None:
            self.table = self.add_weight(
                shape=(1, *shape[1:]), initializer=keras.initializers.TruncatedNormal(stddev=0.02), name="table"
            )
            super().build(shape)

        def call(self, tokens: Tensor) -> Tensor:
            return tokens + self.table

    return Positions
