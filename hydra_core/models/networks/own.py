"""The networks of a site: named by an entry point, or by ``network_module`` in ``site.toml``."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

from hydra_core.base.errors import ConfigError
from hydra_core.models.networks.parts import Model

#: Entry points of this group are networks by their names.
GROUP = "hydra.networks"

#: The name of the network that ``network_module`` names.
OWN = "own"


def own_names() -> tuple[str, ...]:
    """Return the names of the networks that installed packages bring."""
    return tuple(sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)}))


def own_network(network: str, module: str, shape: tuple[int, int, int], n_classes: int) -> Model:
    """Call a site's function and return what it made.

    Parameters
    ----------
    network
        ``own``, or the name of an entry point.
    module
        ``package.module:function`` for ``own``.
    shape
        Height, width and 3.

    Raises
    ------
    ConfigError
        When the function cannot be found, fails, or makes something else than a network for this input.
    """
    told = f"the network {network}" + (f" ({module})" if network == OWN else "")
    function = _function(network, module, told)
    try:
        model = function(shape, n_classes)
    except Exception as error:
        raise ConfigError(
            f"{told} cannot be built: {type(error).__name__}: {error}", next_step="mend the function"
        ) from error
    inputs = getattr(model, "inputs", None)
    if inputs is None or len(inputs) != 1 or len(getattr(model, "outputs", ())) != 1:
        raise ConfigError(f"{told} is no Keras model with one input and one output", next_step="mend the function")
    if tuple(inputs[0].shape) != (None, *shape):
        raise ConfigError(
            f"{told} takes images of {tuple(inputs[0].shape)[1:]}, not of {shape}",
            next_step="use the shape that the function is given",
        )
    return model


def _function(network: str, module: str, told: str) -> Any:
    if network != OWN:
        point = next(iter(importlib.metadata.entry_points(group=GROUP, name=network)))
        module = point.value
    path, _, name = module.partition(":")
    try:
        return getattr(importlib.import_module(path), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{told} cannot be imported from {module!r}: {error}",
            next_step='write network_module = "package.module:function", and install the package where jobs run',
        ) from error
