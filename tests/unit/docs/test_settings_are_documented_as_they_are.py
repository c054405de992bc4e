"""Every setting is in the reference with its default, and every example of a configuration can be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from hydra_core.config import histograms, plots, retention, site
from hydra_core.intake.naming import NamingRule, ParsedName, parse_path

SECTIONS: dict[str, type[BaseModel]] = {
    "`[site]`": site.SiteSection,
    "`[paths]`": site.PathsSection,
    "`[database]`": site.DatabaseSection,
    "`[cylc]`": site.CylcSection,
    "`[intake]`": site.IntakeSection,
    "`[intake.histograms]`": histograms.HistogramsSection,
    "`[[intake.rule]]`": site.NamingRuleSection,
    "`[conditions]`": site.ConditionsSection,
    "`[training]`": site.TrainingSection,
    "`[inference]`": site.InferenceSection,
    "`[publish]`": site.PublishSection,
    "`[retention]`": retention.RetentionSection,
    "`[[retention.rule]]`": retention.RetentionRule,
    "`[[class]]`": plots.PlotClass,
    "`[[plot]]`": plots.PlotType,
    "`[[group]]`": plots.PlotGroup,
    "`[plot.input]`": plots.PlotInput,
    "`[plot.training]`": plots.PlotTraining,
    "`[plot.draw]`": plots.DrawSettings,
    "people.toml": site.PeopleFile,
    "`[[person]]`": site.Person,
}
FILES: dict[str, type[BaseModel]] = {
    "site.toml": site.SiteFile,
    "plots.toml": plots.PlotsFile,
    "people.toml": site.PeopleFile,
}
NEEDED = {"site": {"name": "x", "experiment": "x"}, "paths": {"data_root": "x"}}


def _defaults(model: type[BaseModel]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            continue  # a section of its own
        if isinstance(default, tuple):
            default = list(default)
        found[field.alias or name] = str(default) if isinstance(default, Path) else default
    return found


def _told(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, default in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE):
        if default == "required":
            found[key] = PydanticUndefined
        elif default == "none":
            found[key] = None
        else:
            found[key] = tomllib.loads(f"x = {default.strip('`')}")["x"]
    return found


@pytest.mark.parametrize("title", SECTIONS)
def test_the_reference_has_every_setting_with_its_default(title: str, reference: Any) -> None:
    assert _told(reference.section(title)) == _defaults(SECTIONS[title])


def test_no_section_of_a_configuration_file_is_left_out() -> None:
    known = set(SECTIONS.values())
    for file in FILES.values():
        for field in file.model_fields.values():
            kind = field.annotation
            inner = getattr(kind, "__args__", (kind,))[0]
            assert inner in known or inner is bool, f"{file.__name__} has {inner}, which no test looks at"


def _examples(documents: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, block) for name, found in documents.items() for language, block in found.blocks if language == "toml"
    ]


def test_every_example_of_a_configuration_can_be_read(documents: dict[str, Any]) -> None:
    examples = _examples(documents)
    assert len(examples) >= 5
    for name, block in examples:
        head = block.splitlines()[0]
        assert head.startswith("# "), f"{name}: the first line of a TOML example names its file"
        file = head.removeprefix("# ")
        raw = tomllib.loads(block)
        FILES[file].model_validate({**NEEDED, **raw} if file == "site.toml" else raw)


def test_the_example_of_a_naming_rule_reads_such_a_name(reference: Any) -> None:
    block = next(text for language, text in reference.blocks if language == "toml" and "intake.rule" in text)
    rule = NamingRule(**tomllib.loads(block)["intake"]["rule"][0])
    found = parse_path(PurePosixPath("005123/FTOF_tdcOccupancy_0007.png"), [rule])
    assert isinstance(found, ParsedName)
    assert (found.run, str(found.plot), found.chunk) == (5123, "FTOF_tdcOccupancy:chunks", 7)


def test_the_names_in_the_reference_are_read_by_the_rules_beside_them(reference: Any) -> None:
    rows = re.findall(
        r"^\| `(run-\w+(?:-\w+)?|number-folder)` \| (.+) \|$", reference.section("File names"), re.MULTILINE
    )
    assert len(rows) == 4
    for rule, shown in rows:
        for path in re.findall(r"`([^`]+)`", shown):
            found = parse_path(PurePosixPath(path))
            assert isinstance(found, ParsedName)
            assert (found.rule, found.run) == (rule, 121264)


def _cylc(folder: Path, *arguments: str | Path) -> str:
    """Return what ``cylc config`` says, without spaces; `folder` holds its ``global.cylc``, if any."""
    found = subprocess.run(
        [Path(sys.executable).parent / "cylc", "config", *arguments],
        env={**os.environ, "CYLC_CONF_PATH": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.replace(" ", "")


@pytest.fixture
def farm_examples(documents: dict[str, Any]) -> tuple[str, str]:
    """Return the ``global.cylc`` and the ``farm.cylc`` of the page for farm admins."""
    blocks = [text for language, text in documents["docs/farm.md"].blocks if language == "cylc"]
    return (
        next(text for text in blocks if "# global.cylc" in text),
        next(text for text in blocks if text.startswith("# farm.cylc")),
    )


def test_the_example_of_a_platform_is_one_that_cylc_knows(farm_examples: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "global.cylc").write_text(farm_examples[0], encoding="utf-8")
    assert "jobrunner=slurm" in _cylc(tmp_path, "-i", "[platforms][farm]")


def test_the_example_of_a_farm_fits_the_workflow(farm_examples: tuple[str, str], root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(root / "flow", source / "flow")
    shutil.copy(root / "flow.cylc", source)
    (source / "site-config" / "demo").mkdir(parents=True)
    (source / "site-config" / "demo" / "farm.cylc").write_text(farm_examples[1], encoding="utf-8")
    said = _cylc(tmp_path, source, "-i", "[runtime][retrain]", "-i", "[scheduling][queues]")
    for wanted in ("platform=farm", "--cpus-per-task=8", "--partition=production", "limit=8"):
        assert wanted in said
