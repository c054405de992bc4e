"""A command imports the module that it belongs to and no other; the help lists all of them all the same."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys

import pytest

from hydra_core.cli.main import COMMANDS, main, parser

LOADED = """
import json, sys
from hydra_core.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def words_of(of: argparse.ArgumentParser) -> list[str]:
    [commands] = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    return list(commands.choices)


@pytest.mark.parametrize("module", COMMANDS)
def test_the_table_names_just_the_commands_that_a_module_adds(module: str) -> None:
    top = argparse.ArgumentParser()
    importlib.import_module(f"hydra_core.cli.{module}").add_commands(top.add_subparsers())
    assert tuple(words_of(top)) == COMMANDS[module]


@pytest.mark.parametrize("asked", [None, "no-such-command"])
def test_without_a_known_command_all_are_listed(asked: str | None) -> None:
    assert words_of(parser(asked)) == [word for words in COMMANDS.values() for word in words]


@pytest.mark.parametrize("before", [[], ["--site", "pins"], ["--site=pins"]])
def test_the_command_is_found_behind_the_site(before: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*before, "label", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: hydra label")


def test_a_command_does_not_import_what_others_need() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, "judge", "--help"], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "hydra_core.cli.run" in loaded
    assert not {"hydra_core.cli.training", "hydra_core.models.train", "h5py", "numpy"} & loaded


@pytest.mark.parametrize("words", [[], ["--site", "demo"]])
def test_without_a_command_the_commands_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    said = capsys.readouterr()
    assert "judge a folder of images" in said.out
    assert said.err == ""
