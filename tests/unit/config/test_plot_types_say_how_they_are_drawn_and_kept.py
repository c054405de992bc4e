from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hydra_core.base.errors import ConfigError
from hydra_core.config.load import load_site
from hydra_core.config.plots import DrawSettings, PlotType

SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'
ENTRY = '[[plot]]\nname = "first"\n[[plot]]\nname = "CDC/time {ns}"\n'


def a_site(folder: Path, plots: str) -> Path:
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "plots.toml").write_text(plots, encoding="utf-8")
    return folder


def test_a_plot_type_without_settings_has_no_fixed_ranges_and_keeps_all_images(tmp_path: Path) -> None:
    plot = load_site(a_site(tmp_path, ENTRY)).plots.plots[0]
    assert (plot.draw, plot.collect, plot.cumulative) == (None, 1.0, None)


def test_fixed_ranges_are_read(tmp_path: Path) -> None:
    text = ENTRY + (
        "collect = 0.1\ncumulative = true\n[plot.draw]\nx = [0, 10]\ny = [-1.5, 1.5]\ncolour = [1e-6, 0.1]\n"
        'log = true\nequal = true\nnormalise = "entries"\nrebin = 4\n'
    )
    plot = load_site(a_site(tmp_path, text)).plots.plots[1]
    assert (plot.collect, plot.cumulative) == (0.1, True)
    assert plot.draw == DrawSettings(
        x=(0, 10), y=(-1.5, 1.5), colour=(1e-6, 0.1), log=True, equal=True, normalise="entries", rebin=(4, 4)
    )


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("[plot.draw]\nx = [1, 1]", "draw.x", "low below high"),
        ("[plot.draw]\ny = [2, 1]", "draw.y", "low below high"),
        ("[plot.draw]\nx = [0, nan]", "draw.x.1", "finite"),
        ("[plot.draw]\nx = [0, 1, 2]", "draw.x", "at most 2"),
        ("[plot.draw]\nx = [0, 1e200]", "draw.x", "too far out"),
        ("[plot.draw]\nx = [1e9, 1000000000.5]", "draw.x", "too narrow"),
        ("[plot.draw]\ncolour = [0, 1]\nlog = true", "draw", "starts above zero"),
        ("[plot.draw]\nrebin = 0", "draw.rebin.0", "greater than or equal to 1"),
        ("[plot.draw]\nrebin = [2, 20000]", "draw.rebin.1", "less than or equal"),
        ('[plot.draw]\nnormalise = "events"', "draw.normalise", "'none' or 'entries'"),
        ("[plot.draw]\ncolor = [0, 1]", "draw.color", "not permitted"),
        ("collect = 1.5", "collect", "less than or equal to 1"),
        ("collect = -0.1", "collect", "greater than or equal to 0"),
        ('cumulative = "sometimes"', "cumulative", "valid boolean"),
        ('title = "x"', "title", "not permitted"),
    ],
)
def test_a_wrong_setting_is_named_with_its_plot_type(tmp_path: Path, line: str, key: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(a_site(tmp_path, ENTRY + line + "\n"))
    start = f"{tmp_path / 'plots.toml'}: plot.1.{key}: plot type 'CDC/time {{ns}}': "
    assert caught.value.cause.startswith(start)
    assert why in caught.value.cause.removeprefix(start)
    assert "Value error" not in caught.value.cause


ENDS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(ENDS, ENDS)
def test_a_range_is_taken_as_it_is_or_refused(low: float, high: float) -> None:
    try:
        found = DrawSettings(x=(low, high))
    except ValidationError:
        return
    assert found.x == (low, high)
    assert low < high
    assert DrawSettings.model_validate_json(found.model_dump_json()) == found


def test_settings_can_be_kept_as_json_and_read_again() -> None:
    plot = PlotType(name="x", draw=DrawSettings(y=(0, 0.25), normalise="entries", rebin=(2, 3)))
    assert plot.draw is not None
    kept = plot.draw.model_dump(mode="json", exclude_defaults=True)
    assert kept == {"y": [0.0, 0.25], "normalise": "entries", "rebin": [2, 3]}
    assert DrawSettings.model_validate(kept) == plot.draw
