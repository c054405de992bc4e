"""The documents, as text and in parts: what every test here looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?:    .*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """Fenced blocks as (language, text)."""
        return _FENCE.findall(self.text)

    @cached_property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @cached_property
    def code(self) -> list[str]:
        """Everything that is set as code: spans, and the lines of blocks."""
        lines = [line for _, block in self.blocks for line in block.splitlines()]
        lines += [line for block in _INDENTED.findall(self.prose) for line in block.splitlines()]
        return [*re.findall(r"`([^`\n]+)`", self.prose), *(line.strip() for line in lines)]

    @cached_property
    def anchors(self) -> set[str]:
        """What links may name in it, by GitHub's rule."""
        titles = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def section(self, title: str) -> str:
        """Return the text below a heading, up to the next one."""
        # A comment in a block begins like a heading.
        masked = _FENCE.sub(lambda block: block[0].replace("#", "~"), self.text)
        found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", masked, re.MULTILINE | re.DOTALL)
        assert found, f"{self.name} has no section {title!r}"
        return self.text[found.start(1) : found.end(1)]


def _documents() -> dict[str, Document]:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "README.md"]
    found = [Document(path) for path in sorted(paths)]
    return {document.name: document for document in found}


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def documents() -> dict[str, Document]:
    """Return every document by its path below the project's folder."""
    found = _documents()
    assert {"README.md", "docs/reference.md", "docs/architecture.md", "docs/common-errors.md"} <= set(found)
    return found


@pytest.fixture(scope="session")
def reference(documents: dict[str, Document]) -> Document:
    """Return ``docs/reference.md``."""
    return documents["docs/reference.md"]
