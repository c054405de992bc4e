"""What is imported inside is never searched for garbage, and what becomes garbage later still goes."""

from __future__ import annotations

import gc
import importlib
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydra_core.base.importing import kept_for_good

NAME = "a_module_that_only_this_test_has"


class Knot:
    """Something that only the collector can take away."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / f"{NAME}.py").write_text("import gc\nCOLLECTING = gc.isenabled()\nHELD = [[]]\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield NAME
    sys.modules.pop(NAME, None)
    gc.unfreeze()


def test_nothing_is_collected_while_modules_are_imported(module: str) -> None:
    with kept_for_good():
        imported = importlib.import_module(module)
    assert not imported.COLLECTING
    assert gc.isenabled()


def test_what_was_imported_is_not_searched_any_more(module: str) -> None:
    with kept_for_good():
        held = importlib.import_module(module).HELD
    assert gc.is_tracked(held)
    assert all(one is not held for one in gc.get_objects())


def test_garbage_that_comes_later_is_collected(module: str) -> None:
    with kept_for_good():
        importlib.import_module(module)
    knot = Knot()
    gone = weakref.ref(knot)
    del knot
    gc.collect()
    assert gone() is None


def test_where_nothing_new_is_imported_nothing_is_kept(module: str) -> None:
    importlib.import_module(module)
    before = gc.get_freeze_count()
    with kept_for_good():
        importlib.import_module(module)
    assert gc.get_freeze_count() == before


def test_a_failing_import_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), kept_for_good():
        importlib.import_module("no_module_has_this_name")
    assert gc.isenabled()


def test_a_program_without_a_collector_stays_without(module: str) -> None:
    gc.disable()
    try:
        with kept_for_good():
            importlib.import_module(module)
        assert not gc.isenabled()
    finally:
        gc.enable()
