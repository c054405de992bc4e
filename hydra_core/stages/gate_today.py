"""What the gate says of a model today: the figures of its training may be old, and so may be those of the live one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Engine

from hydra_core.base.errors import DataError
from hydra_core.config.site import Site
from hydra_core.models.engine import Engine as Network
from hydra_core.models.engine import load, read_card
from hydra_core.models.gate import Decision
from hydra_core.models.paired import Paired
from hydra_core.models.spec import ModelCard
from hydra_core.stages.gold import taught_and_gold
from hydra_core.stages.networks import check_identity
from hydra_core.stages.proving import UNTESTED, Contender, decide, pair_now
from hydra_core.store.registry import ModelRow, training_images
from hydra_core.store.session import reading


@dataclass(frozen=True)
class Proven:
    """A model whose folder gave the outputs of its golden batch."""

    card: ModelCard
    network: Network


def proven_model(site: Site, model: ModelRow) -> Proven:
    """Open a model with every check there is, weights and whole golden batch included.

    Raises
    ------
    DataError
        When its folder does not prove itself, or holds another model than the database means.
    """
    folder = site.model_folder(model.plot, model.name)
    opened = load(folder, threads=1)
    check_identity(folder, model, opened.identity)
    card, _ = read_card(folder)
    return Proven(card, opened)


def gate_now(site: Site, engine: Engine, model: ModelRow, live: ModelRow | None, proven: Proven) -> Decision:
    """Return what the gate says of a model today.

    Both models are asked: on the gold set, and on the test images of the newer one of them. Where these are not known
    any more, or no model is live, the figures of the cards count. A model that was kept out at its training stays out.
    """
    if model.status == "rejected":
        return Decision(False, model.reason)
    card = proven.card
    if card.test is None:
        return Decision(False, UNTESTED)
    rival = None
    if live is not None:
        try:
            rival = read_card(site.model_folder(live.plot, live.name))[0].test
        except DataError as error:
            return Decision(False, f"the live model cannot be compared: {error.cause}")
        if rival is None:
            return Decision(False, "the live model was never tested, so the two cannot be compared")
    with reading(engine) as connection:
        taught, golden = taught_and_gold(connection, model.plot_type_id)
        newer = max(model.id, live.id) if live is not None else model.id
        tested = {sha for sha, _, side in training_images(connection, newer) if side == "test"}
    of_kind = {"test": [one for one in taught if one.image_sha in tested] if live is not None else [], "gold": golden}
    found = {"test": Paired(card.test, rival)}
    for kind, images in of_kind.items():
        if images:
            asked = model, Contender(card.classes, card.input, proven.network.predict)
            paired = pair_now(site, engine, kind, images, asked, live)
            if isinstance(paired, str):
                return Decision(False, paired)
            found[kind] = paired
    return decide(site, card, found["test"], found.get("gold"))
