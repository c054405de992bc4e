from __future__ import annotations

from pathlib import Path

import pytest

from hydra_core.emulate.plan import plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.moving.instants import find_zone
from hydra_core.moving.original import opened_original
from hydra_core.moving.take_over import ImageFolder, read_directory, take_over
from hydra_core.stages.fsck import fsck
from hydra_core.store.labelbook import labelled_images
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.session import reading
from tests.original_hydra import BAD, CLASSES, original_database
from tests.small_pass import small_pass

PLAN = plan_demo(runs=1, plot_types=1, chunks=2)


@pytest.mark.parametrize("first", ["the labels", "the run"])
def test_a_label_and_the_image_of_a_run_find_each_other_by_the_file(tmp_path: Path, first: str) -> None:
    write_demo(PLAN, tmp_path / "files")
    made = small_pass(tmp_path / "site", "moving", PLAN)
    made.enter(tmp_path / "files" / "incoming")
    run = PLAN.runs[0]
    source = tmp_path / "files" / "incoming" / run.folder()
    name, chunks = "CDC_occupancy", sorted(source.glob("CDC_occupancy_*.png"))
    assert len(chunks) == 2
    url = f"sqlite:///{tmp_path / 'original.sqlite'}"
    keeper = tmp_path / "keeper"
    with original_database(url, keeper) as there:
        there.add("Plot_Types", ID=1, Name=name, FileType="png", IsChunked=1)
        for number, known in enumerate(CLASSES, start=1):
            there.add("Plot_Classifications", ID=number, Classification=known, Colour="red")
        for path in chunks:
            chunk = int(path.stem.rpartition("_")[2])
            there.plot(chunk + 1, 1, run.number, chunk)
            there.label(chunk + 1, BAD, "ada")
            there.image(f"Run{run.number:06d}/{name}_{chunk:04d}.png", path.read_bytes())
        there.write()

    def take_labels() -> None:
        with opened_original(url) as original:
            found = read_directory(original)
            images = ImageFolder(keeper, 6)
            outcome = take_over(made.site, made.engine, original, found, find_zone("UTC"), images, lambda _line: None)
            assert outcome.taken["labels"] == 2

    if first == "the labels":
        take_labels()
    made.by_hand([run.number])
    if first == "the run":
        take_labels()
    with reading(made.engine) as connection:
        (plot,) = (row for key, row in all_plot_types(connection).items() if key.name == name)
        found = labelled_images(connection, plot)
    assert [(image.run, image.class_name) for image in found] == [(run.number, "Bad")] * 2
    assert fsck(made.site, made.engine).problems == ()
