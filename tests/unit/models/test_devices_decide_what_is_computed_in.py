from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from hydra_core.models import devices
from hydra_core.models.devices import arithmetic_for, processor_flags, strategy_here

Capability = tuple[int, int]
Fitted = Callable[[Sequence[Capability]], None]


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """Return a function that lets TensorFlow see cards of these compute capabilities, whatever the machine has."""

    def fit(cards: Sequence[Capability]) -> None:
        seen = SimpleNamespace(
            config=SimpleNamespace(
                list_physical_devices=lambda _kind: list(cards),
                experimental=SimpleNamespace(get_device_details=lambda card: {"compute_capability": card}),
            ),
            distribute=SimpleNamespace(MirroredStrategy=lambda: "mirrored", get_strategy=lambda: "one device"),
        )
        monkeypatch.setattr(devices, "tensorflow", lambda: (seen, None))

    return fit


def test_what_a_processor_can_do_is_read_from_its_flags(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("model name : amx_bf16 in a name\nflags\t\t: fpu avx512_bf16\n\nflags : fpu\n", encoding="utf-8")
    assert {"fpu", "avx512_bf16"} <= processor_flags(told)
    assert "amx_bf16" not in processor_flags(told)
    assert processor_flags(tmp_path / "nothing") == frozenset()


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [({"avx512_bf16"}, "mixed_bfloat16"), ({"amx_bf16"}, "mixed_bfloat16"), ({"avx512f"}, "float32")],
)
def test_bfloat16_is_chosen_where_the_processor_has_it_built_in(
    flags: set[str], chosen: str, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "processor_flags", lambda: frozenset(flags))
    fitted([])
    assert arithmetic_for("auto") == chosen
    assert arithmetic_for("float32") == "float32"
    assert arithmetic_for("mixed_bfloat16") == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("cards", "chosen"),
    [([(8, 0)], "mixed_bfloat16"), ([(9, 0), (8, 6)], "mixed_bfloat16"), ([(9, 0), (7, 5)], "float32")],
)
def test_with_cards_every_one_of_them_has_to_have_it(
    cards: list[Capability], chosen: str, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "processor_flags", lambda: frozenset({"avx512_bf16"}))
    fitted(cards)
    assert arithmetic_for("auto") == chosen


@pytest.mark.parametrize(
    ("cards", "strategy"),
    [([], "one device"), ([(9, 0)], "one device"), ([(9, 0), (9, 0)], "mirrored")],
)
def test_several_cards_share_a_batch(cards: list[Capability], strategy: str, fitted: Fitted) -> None:
    fitted(cards)
    assert strategy_here() == strategy
