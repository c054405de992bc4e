from __future__ import annotations

from pathlib import Path

import pytest

from hydra_core.models import devices
from hydra_core.models.devices import arithmetic_for, processor_flags, strategy_here


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
def test_bfloat16_is_chosen_where_it_is_built_in(flags: set[str], chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "processor_flags", lambda: frozenset(flags))
    if strategy_here().num_replicas_in_sync == 1:
        assert arithmetic_for("auto") == chosen
    assert arithmetic_for("float32") == "float32"
    assert arithmetic_for("mixed_bfloat16") == "mixed_bfloat16"
