"""Each preset reads its own examples as it says, and a site may put presets and rules of its own in a row."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.intake.naming import DEFAULT_RULES, Naming, NamingRule, ParsedName, Unmatched, parse_path
from hydra_core.intake.naming_rule import compiled
from hydra_core.intake.presets import PRESETS, Example, Preset, preset_rules

EXAMPLES = [(preset, example) for preset in PRESETS.values() for example in preset.examples]


@pytest.mark.parametrize(
    ("preset", "example"), EXAMPLES, ids=[f"{preset.name}:{example.path}" for preset, example in EXAMPLES]
)
def test_an_example_is_read_as_its_preset_says(preset: Preset, example: Example) -> None:
    found = parse_path(PurePosixPath(example.path), preset.rules)
    if not example.rule:
        assert isinstance(found, Unmatched)
        assert found.reason.startswith("left out")
        return
    assert isinstance(found, ParsedName), found
    assert (found.rule, found.run, found.reads) == (example.rule, example.run, example.reads)
    assert found.run_name == (example.run_name or str(example.run))
    assert found.plot == PlotKey(example.plot, example.chunk is not None or example.stamp)
    assert (found.chunk, found.pad, found.facts) == (example.chunk, example.pad, example.facts)
    assert (found.stamp is not None) == example.stamp


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_rule_of_a_preset_has_an_example_and_words(preset: Preset) -> None:
    assert {rule.name for rule in preset.rules} == {example.rule for example in preset.examples if example.rule}
    assert preset.description.endswith(".")
    for rule in preset.rules:
        assert rule.description
        assert rule.needs


@pytest.mark.parametrize(("preset", "example"), [found for found in EXAMPLES if found[1].run is not None])
def test_a_run_folder_of_a_preset_belongs_to_the_run_that_its_files_have(preset: Preset, example: Example) -> None:
    rule = next(rule for rule in preset.rules if rule.name == example.rule)
    folders = [rule.run_of_folder(part) for part in PurePosixPath(example.path).parts[:-1]]
    assert set(folders) <= {None, example.run}
    assert any(folders) == bool(rule.run_folder)


def test_presets_are_tried_in_the_order_in_which_they_are_named() -> None:
    path = PurePosixPath("Run121264/CDC_occupancy_0003.png")
    both = {
        parsed.rule
        for names in (["gluex-online", "gluex-offline"], ["gluex-offline", "gluex-online"])
        if isinstance(parsed := parse_path(path, preset_rules(names)), ParsedName)
    }
    assert both == {"gluex-online", "gluex-offline-images"}


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(HydraError, match="there is no preset 'gluex'") as caught:
        preset_rules(["generic", "gluex"])
    assert "clas12" in caught.value.next_step


def test_the_generic_preset_is_what_holds_without_any() -> None:
    assert PRESETS["generic"].rules == DEFAULT_RULES == Naming().rules


def test_a_pad_drawn_by_two_configurations_is_two_plot_types() -> None:
    rules = PRESETS["panguin"].rules
    found = [parse_path(PurePosixPath(f"hydra_7_page1_pad2_{name}.png"), rules) for name in ("hms", "shms")]
    assert len({name.plot for name in found if isinstance(name, ParsedName)}) == 2


def test_a_time_that_is_none_is_refused_with_its_text() -> None:
    path = PurePosixPath("clas12mon_5038_13-45-2018_09.41.07_PM/DC_occupancy.png")
    found = parse_path(path, PRESETS["clas12"].rules)
    assert isinstance(found, Unmatched)
    assert "13-45-2018" in found.reason


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_patterns_of_presets_do_not_depend_on_upper_and_lower_case(preset: Preset) -> None:
    for example in preset.examples:
        text = example.path.swapcase()
        assert any(compiled(rule.pattern).fullmatch(text) for rule in preset.rules), text


def test_the_document_shows_every_preset_by_examples_that_it_reads() -> None:
    text = (Path(__file__).parents[3] / "docs" / "naming.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    assert {name for name, _ in rows} == set(PRESETS)
    for name, path in rows:
        assert path in {example.path for example in PRESETS[name].examples}


def test_the_rules_that_the_document_shows_can_be_used() -> None:
    text = (Path(__file__).parents[3] / "docs" / "naming.md").read_text(encoding="utf-8")
    blocks = [tomllib.loads(block)["intake"] for block in re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S)]
    rules = [NamingRule(**rule) for block in blocks for rule in block.get("rule", [])]
    assert [rule.name for rule in rules] == ["scope", "calibration", "campaign"]
    found = parse_path(PurePosixPath("night/shot-7/beam_0003.png"), rules)
    assert isinstance(found, ParsedName)
    assert (found.run, found.chunk, found.facts) == (7, 3, {"shift": "night"})
