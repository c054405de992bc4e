"""At which stage of a network heat maps are made by gradients: fine enough to point, late enough to mean something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra_core.models.networks.build import OWN_HEAD
from hydra_core.models.networks.parts import Model, Tensor
from hydra_core.models.networks.registry import NETWORKS

#: Fewest places along the shorter side of a map that points, where no network was measured.
PLACES = 12

#: Pictures themselves have this many channels: what a network sees and not what it makes of it.
_COLOURS = 3


def fine_stage(model: Model) -> Any | None:
    """Return the layer whose features heat maps weigh, or None where the class maps are as fine themselves.

    Parameters
    ----------
    model
        Of `networks.build`.

    Returns
    -------
    keras.Layer or None
        The first one that the registry names and whose map has at least `PLACES` places a side; the last named one
        where none has. For a network without names, the last layer through which everything goes and whose map has so
        many; for a head of its own, the last map where none has.
    """
    if model.name in NETWORKS and (names := NETWORKS[model.name].stages):
        named = sorted(
            (layer for layer in model._flatten_layers() if layer.name in names),
            key=lambda layer: names.index(layer.name),
        )
        return next(filter(_is_fine, named), named[-1])
    layers = {layer.name: layer for layer in model.layers}
    if OWN_HEAD in layers:
        found = list(_passages(layers[OWN_HEAD]))
        return next((layer for layer in found if _is_fine(layer)), found[0] if found else None)
    body = next(layer for layer in model.layers if hasattr(layer, "layers"))
    return None if min(model.output["cam"].shape[1:3]) >= PLACES else next(filter(_is_fine, _passages(body)), None)


@contextmanager
def outputs_seen(layer: Any) -> Iterator[list[Tensor]]:
    """Collect what a layer gives inside the block, wherever in nested models it stands."""
    seen: list[Tensor] = []
    call = layer.call

    def watching(*given: Any, **named: Any) -> Tensor:
        made = call(*given, **named)
        seen.append(made)
        return made

    layer.call = watching
    try:
        yield seen
    finally:
        layer.call = call


def _is_fine(layer: Any) -> bool:
    return bool(min(layer.output.shape[1:3]) >= PLACES)


def _passages(model: Model) -> Iterator[Any]:
    """Yield the layers with maps through which all that a model decides goes, the last one first."""
    for layer in reversed(model.layers):
        shape: Any = getattr(layer.output, "shape", ())
        if hasattr(layer, "layers"):
            if _cuts(model, layer):
                yield from _passages(layer)
        elif len(shape) == 4 and shape[-1] > _COLOURS and _cuts(model, layer):
            yield layer


def _cuts(model: Model, layer: Any) -> bool:
    """Say whether no way from the output of a model back to its input goes past a layer."""
    inputs = {id(tensor) for tensor in model.inputs}
    to_do, done = list(model.outputs), set()
    while to_do:
        tensor = to_do.pop()
        if id(tensor) in done:
            continue
        done.add(id(tensor))
        if id(tensor) in inputs:
            return False
        operation, node, _ = tensor._keras_history
        if operation is not layer:
            to_do.extend(operation._inbound_nodes[node].input_tensors)
    return True
