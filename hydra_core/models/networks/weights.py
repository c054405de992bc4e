"""Starting a body from weights that a site gives, ImageNet's for instance."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from hydra_core.base.errors import ConfigError
from hydra_core.models.networks.parts import Model


def load_body(body: Model, plain: Model, path: Path) -> None:
    """Give `body` the weights of a file; the head keeps its fresh ones.

    Only numbers are read, by Keras' ``load_weights``: never a stored model, whose layers could hold code.

    Parameters
    ----------
    body
        Holds all layers of `plain` in their order, and perhaps others between them, whose names begin with ``cbam_``.
    plain
        The network whose weights the file has; it may be `body` itself.
    path
        ``NAME.weights.h5``.

    Raises
    ------
    ConfigError
        When the file cannot be read or holds the weights of another network.
    """
    import h5py

    mend = f"give the weights of the body of this network alone: save_weights of a model like it ({plain.name})"
    if not path.name.endswith(".weights.h5"):
        raise ConfigError(f"{path} is not named NAME.weights.h5, so it may hold a whole model", next_step=mend)
    try:
        with h5py.File(path, "r") as file:
            held = _arrays(file)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read as weights: {error}", next_step=mend) from error
    if held != len(plain.weights):
        raise ConfigError(
            f"{path} holds {held} arrays of weights, and the body of this network has {len(plain.weights)}",
            next_step=mend,
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns of some layers that the file lacks, and leaves them as they were.
            warnings.simplefilter("error", UserWarning)
            plain.load_weights(path)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigError(f"{path} does not fit the body of this network: {first}", next_step=mend) from error
    if plain is body:
        return
    kept = [layer for layer in body.layers if layer.weights and not layer.name.startswith("cbam_")]
    for layer, source in zip(kept, (one for one in plain.layers if one.weights), strict=True):
        layer.set_weights(source.get_weights())


def _arrays(group: Any) -> int:
    """Return the number of arrays below a group, without following links out of the file."""
    import h5py

    count = 0
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise OSError(f"{name} is a link")
        found = group[name]
        count += _arrays(found) if isinstance(found, h5py.Group) else 1
    return count
