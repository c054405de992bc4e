"""How a score of an exported network depends on the features of one of its stages, as one more part of its graph.

The engine computes only forwards. But its graph is all there: walked from the score back to the stage, with the
derivative of each layer on the way, it gives the gradient. It shares the weights and needs no training framework.
"""

from __future__ import annotations

from typing import Any

from hydra_core.models.derivatives import RULES, Node, NoDerivativeError


def gradient_of(ops: Any, model: Any, score: Node, stage: Node, seed: Node) -> Node:
    """Return the gradient of a score by the features of a stage, as an output of new layers.

    Parameters
    ----------
    ops
        The layers of the engine: one of its operation sets.
    model
        The graph.
    score, stage
        Outputs of its layers.
    seed
        How much each number of the score counts: an output of its shape.

    Raises
    ------
    NoDerivativeError
        When a layer between them has no derivative here, or the score does not depend on the stage.
    """
    gathered: dict[str, list[Node]] = {_key(score): [seed]}
    behind, between = {_key(stage)}, []
    for node in model.get_ordered_ops():
        if any(_key(source) in behind for source in _sources(node)):
            behind.update(_key(made) for made in node.outputs())
            between.append(node)
    for node in reversed(between):
        parts = gathered.pop(_key(node.output(0)), None) if node.get_output_size() else None
        # What leads elsewhere than to the score.
        if parts is None:
            continue
        kind = node.get_type_name()
        if kind not in RULES:
            raise NoDerivativeError(f"no derivative of the layer {kind} is known")
        gradient = _sum(ops, parts)
        for which, source in enumerate(_sources(node)):
            if _key(source) in behind:
                gathered.setdefault(_key(source), []).append(RULES[kind](ops, node, gradient, which))
    if _key(stage) not in gathered:
        raise NoDerivativeError("the decision does not depend on the stage")
    return _sum(ops, gathered[_key(stage)])


def _sources(node: Node) -> list[Node]:
    return [given.get_source_output() for given in node.inputs()]


def _key(value: Node) -> str:
    return f"{value.get_node().get_name()}:{value.get_index()}"


def _sum(ops: Any, parts: list[Node]) -> Node:
    whole = parts[0]
    for part in parts[1:]:
        whole = ops.add(whole, part).output(0)
    return whole
