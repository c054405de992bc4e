"""Model folders that are changed behind the back of their cards, and cards that are forged to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra_core.base.files import sha256_file


def edit_card(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what ``model.json`` says, in place."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    change(card)
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")


def rehash(folder: Path, name: str) -> None:
    """Make the card name the file that lies there."""
    edit_card(folder, lambda card: card["files"].update({name: sha256_file(folder / name)}))


def put(folder: Path, name: str, data: bytes) -> None:
    """Write another file in the place of one, with a card that names it."""
    (folder / name).write_bytes(data)
    rehash(folder, name)


def flip_bit(folder: Path, name: str) -> None:
    """Change one bit in the middle of a file; the card keeps the hash of the old one."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
