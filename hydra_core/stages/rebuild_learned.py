"""What models learned from and what they said of images, again, from their folders and from the labels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError
from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.models.answers import ANSWERED, Answers
from hydra_core.models.engine import read_card
from hydra_core.models.spec import ModelCard
from hydra_core.models.split import GOLD
from hydra_core.models.trusted import read_answers
from hydra_core.stages.gold import taught_and_gold
from hydra_core.store.predictions import NewPrediction, save_predictions
from hydra_core.store.registry import ModelRow, all_models
from hydra_core.store.restore import restore_training_images
from hydra_core.store.session import reading, writing
from hydra_core.store.training_reports import save_report


def rebuild_learned(site: Site, engine: Engine, problems: list[str]) -> list[str]:
    """Enter what every model learned from and said; doing it again changes nothing. Return in words what was found.

    Answers of the validation and the test images stand in the model's folder. Whole runs are dealt to one side, so the
    training images are those labelled ones whose run the card names; which class they had then nothing tells, and the
    label of now stands in.

    Parameters
    ----------
    problems
        Receives a sentence on each model whose answers cannot be read.
    """
    with reading(engine) as connection:
        models = all_models(connection)
    images = said = 0
    for model in models:
        folder = site.model_folder(model.plot, model.name)
        try:
            card, _ = read_card(folder)
            answers = read_answers(folder)
        except DataError as error:
            problems.append(f"model {model.name}: {error.cause}")
            continue
        entered = writing(engine, partial(_enter, model, card, answers))
        images, said = images + entered[0], said + entered[1]
    return [f"models: {counted(images, 'image')} of their trainings, {counted(said, 'answer')}"] if models else []


def _enter(model: ModelRow, card: ModelCard, answers: Answers | None, connection: Connection) -> tuple[int, int]:
    told = list(_told(answers)) if answers is not None else []
    sides = {one.image_sha: (one.label, one.side) for one in told}
    taught, golden = taught_and_gold(connection, model.plot_type_id)
    runs = set(card.training.runs.get("train", ()))
    # A gold set of today may be younger than the model, which then has learned from some of it.
    young = not card.training.images.get(GOLD)
    for image in [*taught, *golden] if young else taught:
        if image.run in runs and image.class_name in card.classes:
            sides.setdefault(image.image_sha, (image.class_name, "train"))
    for image in [] if young else golden:
        sides.setdefault(image.image_sha, (image.class_name, GOLD))
    restore_training_images(connection, model.id, [(sha, *of) for sha, of in sides.items()])
    save_predictions(connection, model.id, told)
    save_report(connection, model.id, at=model.made_at)
    return len(sides), len(told)


def _told(answers: Answers) -> Iterator[NewPrediction]:
    for image, truth, side, probs in zip(answers.images, answers.truth, answers.sides, answers.probs, strict=True):
        best = int(probs.argmax())
        yield NewPrediction(
            image_sha=bytes(image).hex(),
            side=ANSWERED[int(side)],
            label=answers.classes[int(truth)],
            class_name=answers.classes[best],
            confidence=float(probs[best]),
            probs={name: float(value) for name, value in zip(answers.classes, probs, strict=True)},
        )
