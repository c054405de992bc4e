"""Files, links, targets, tables, variables and states that documents name are there, and none is left out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from hydra_core.report.views import State
from hydra_core.store.ledger import STATES
from hydra_core.store.schema import Base
from tests.database_document import BEGIN, END, PICTURE, picture, with_lists

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
#: A code span that is a path of this project; capitals stand for a name that the reader chooses.
_PATH = re.compile(r"(?:docs|flow|hydra_core|site-config|tasks|templates|tests|constraints|\.ci)/[\w./-]*\Z")
_CHOSEN = re.compile(r"\b(?!README)[A-Z]+\b")


def _links(documents: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    for document in documents.values():
        for target in _LINK.findall(document.prose):
            if not target.startswith(("http://", "https://")):
                yield document, target


def test_every_link_leads_to_a_file_and_a_heading(documents: dict[str, Any], root: Any) -> None:
    links = list(_links(documents))
    assert len(links) > 40
    for document, target in links:
        path, _, heading = target.partition("#")
        file = (document.path.parent / path).resolve() if path else document.path
        assert file.exists(), f"{document.name} links to {target}, which is not there"
        if heading:
            other = documents[str(file.relative_to(root))]
            assert heading in other.anchors, f"{document.name} links to {target}: there is no such heading"


def test_every_document_can_be_reached_from_the_front(documents: dict[str, Any], root: Any) -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in documents and name not in reached:
            reached.add(name)
            here = documents[name]
            for target in _LINK.findall(here.prose):
                file = (here.path.parent / target.partition("#")[0]).resolve()
                if file.is_relative_to(root):
                    waiting.append(str(file.relative_to(root)))
    made_by_bench = {name for name in documents if name.startswith("docs/results/")}
    assert set(documents) - reached - made_by_bench == set()


def test_every_file_that_is_named_is_there(documents: dict[str, Any], root: Any) -> None:
    named = [(name, text) for name, document in documents.items() for text in document.code if _PATH.match(text)]
    assert len(named) > 15
    for name, text in named:
        if not _CHOSEN.search(text):
            found = (root / text).exists() or (root / "hydra_core" / text).exists()
            assert found, f"{name} names {text}, which is not there"


def test_every_make_target_that_is_named_is_in_the_makefile(documents: dict[str, Any], root: Any) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = [
        (name, word)
        for name, document in documents.items()
        for text in document.code
        if (found := re.match(r"make ([a-z-]+|(?:[A-Z_]+=\S+ )+[a-z-]+)", text))
        for word in found[1].split()[-1:]
    ]
    assert len(named) > 5
    for name, word in named:
        assert word in targets, f"{name} names 'make {word}', which is not in the Makefile"


def test_the_picture_and_the_lists_of_tables_are_those_of_the_database(documents: dict[str, Any]) -> None:
    text = documents["docs/database.md"].text
    told = re.findall(r"^\| `(\w+)` \|", text.partition(BEGIN)[2].partition(END)[0], re.MULTILINE)
    assert sorted(told) == sorted(Base.metadata.tables)
    again = "run 'python -m tests.database_document'"
    assert with_lists(text) == text, again
    assert PICTURE.read_text(encoding="utf-8") == picture(), again


def test_the_page_on_the_database_says_how_each_table_is_written(documents: dict[str, Any]) -> None:
    told = set(re.findall(r"`(\w+)`", documents["docs/database.md"].section("How a row comes to be")))
    assert set(Base.metadata.tables) - told == set()


def test_every_environment_variable_is_in_the_reference(reference: Any, root: Any) -> None:
    files = [
        *(root / "hydra_core").rglob("*.py"),
        *(root / "flow").glob("*.cylc"),
        *(root / "site-config").rglob("*.*"),
    ]
    used = {found for path in files for found in re.findall(r"HYDRA_[A-Z_]+", path.read_text(encoding="utf-8"))}
    told = set(re.findall(r"`(HYDRA_[A-Z_]+)`", reference.section("Environment variables")))
    assert told == used


def test_coordinators_learn_of_every_state(documents: dict[str, Any]) -> None:
    page = documents["docs/coordinators.md"]
    for state in STATES:
        assert f"\n| {state} |" in page.section("What a run waits for")
    told = page.section("What a card means, and whom to call")
    for state in get_args(State):
        assert f"`{state}`" in told or f"\n| {state}" in told, f"docs/coordinators.md does not explain {state}"


def test_the_states_said_to_be_reserved_are_those_that_no_rule_gives(documents: dict[str, Any], root: Any) -> None:
    rules = (root / "hydra_core" / "judge" / "rules.py").read_text(encoding="utf-8")
    never = {state for state in get_args(State) if f'"{state}"' not in rules}
    sentence = re.search(r"^(.*) (?:is|are) reserved", documents["docs/coordinators.md"].text, re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", sentence[1])) if sentence else set()
    assert told == never


@pytest.mark.parametrize("key", ["min_labels", "min_new"])
def test_numbers_told_to_experts_are_the_defaults(key: str, documents: dict[str, Any]) -> None:
    from hydra_core.config.site import TrainingSection

    default = TrainingSection.model_fields[key].default
    assert re.search(rf"`{key}`[^.]*?\({default}\)", documents["docs/experts.md"].text)


def test_the_python_that_documents_ask_for_is_the_one_that_the_package_asks_for(
    documents: dict[str, Any], root: Any
) -> None:
    needed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    for name in ("README.md", "docs/getting-started.md", "CONTRIBUTING.md"):
        assert f"Python {needed.removeprefix('>=')} or newer" in documents[name].text
