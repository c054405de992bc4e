from __future__ import annotations

from pathlib import Path

import pytest

from hydra_core.config.load import shipped
from hydra_core.passes.demo import load_shipped


def test_a_folder_called_demo_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_DATA_ROOT", str(tmp_path / "demo"))
    assert load_shipped(tmp_path / "demo").folder == shipped("site-config") / "demo"
