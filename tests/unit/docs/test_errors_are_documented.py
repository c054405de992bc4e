"""Every exit code and every message that a user can meet is in ``docs/common-errors.md``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hydra_core.base.errors import HydraError
from hydra_core.cli.main import EXIT_CODES


def _kinds(of: type[HydraError]) -> Iterator[type[HydraError]]:
    yield of
    for below in of.__subclasses__():
        yield from _kinds(below)


@pytest.fixture(scope="module")
def kinds(root: Path) -> set[type[HydraError]]:
    """Return every kind of error, also those that a room defines for itself."""
    for path in (root / "hydra_core").rglob("*.py"):
        if re.search(
            r"^class \w+\((Hydra|Config|Database|Workflow|Data|Request)Error\)", path.read_text("utf-8"), re.M
        ):
            import_module(".".join(path.relative_to(root).with_suffix("").parts))
    return set(_kinds(HydraError))


def test_every_exit_code_is_in_the_help_the_reference_and_the_common_errors(
    documents: dict[str, Any], kinds: set[type[HydraError]]
) -> None:
    assert len(kinds) > 6
    told = set(re.findall(r"^\| (\d+) \|", documents["docs/reference.md"].section("Exit codes"), re.MULTILINE))
    titles = set(re.findall(r"^## (\d+):", documents["docs/common-errors.md"].text, re.MULTILINE))
    helped = set(re.findall(r"(?:^|\s)(\d+) ", EXIT_CODES))
    for kind in kinds:
        code = str(kind.exit_code)
        assert code in told, f"docs/reference.md lacks exit code {code} of {kind.__name__}"
        assert code in titles, f"docs/common-errors.md lacks exit code {code} of {kind.__name__}"
        assert code in helped, f"hydra --help lacks exit code {code} of {kind.__name__}"


def _pieces(node: ast.expr) -> Iterator[str]:
    """Yield the fixed parts of a text that a program puts together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _pieces(part)
    elif isinstance(node, ast.BinOp):
        yield from _pieces(node.left)
        yield from _pieces(node.right)


def _messages(package: Path, kinds: set[type[HydraError]]) -> Iterator[tuple[str, str]]:
    names = {kind.__name__ for kind in kinds}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names):
                continue
            pieces = [piece.strip(" :,'\n") for piece in _pieces(node.args[0])] if node.args else []
            if any(len(piece) > 3 for piece in pieces):
                yield f"{path.relative_to(package.parent)}:{node.lineno}", max(pieces, key=len)


def test_every_message_is_in_the_common_errors(
    documents: dict[str, Any], root: Path, kinds: set[type[HydraError]]
) -> None:
    text = documents["docs/common-errors.md"].text
    messages = list(_messages(root / "hydra_core", kinds))
    assert len(messages) > 60
    lacking = [f"{where}: {piece}" for where, piece in messages if piece not in text]
    assert lacking == [], "docs/common-errors.md lacks:\n" + "\n".join(lacking)


def test_a_message_that_is_not_there_is_noticed(documents: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text('raise HydraError(f"{name} has grown a second head")\n', encoding="utf-8")
    assert list(_messages(tmp_path, {HydraError})) == [(f"{tmp_path.name}/module.py:1", "has grown a second head")]
    assert "has grown a second head" not in documents["docs/common-errors.md"].text
