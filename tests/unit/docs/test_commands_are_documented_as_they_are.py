"""Every command and option of ``hydra`` has help and is in the reference; commands that documents show exist."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hydra_core.cli.main import parser


def commands() -> dict[str, tuple[argparse.ArgumentParser, str | None]]:
    """Return every command that does something: name -> (its parser, its help)."""
    return dict(_walk(parser(), ""))


def _walk(
    above: argparse.ArgumentParser, name: str
) -> Iterator[tuple[str, tuple[argparse.ArgumentParser, str | None]]]:
    for action in above._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for word, below in action.choices.items():
                full = f"{name} {word}".strip()
                deeper = dict(_walk(below, full))
                yield from deeper.items()
                if not deeper:
                    yield full, (below, helps.get(word))


def options(of: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return a parser's own options; ``--site``, which every command takes, is told of once for all."""
    own = [action for action in of._actions if action.option_strings and action.dest not in ("help", "version")]
    return own if of.prog == "hydra" else [action for action in own if action.dest != "site"]


COMMANDS = commands()


@pytest.fixture(scope="module")
def sections(reference: Any) -> dict[str, str]:
    """Return the sections of the reference about commands, by command."""
    found = {}
    for title in re.findall(r"^### (`hydra .*)$", reference.text, re.MULTILINE):
        for name in re.findall(r"`hydra ([^`]+)`", title):
            found[name] = reference.section(title)
    return found


def test_the_reference_has_a_section_for_each_command_and_for_no_other(sections: dict[str, str]) -> None:
    assert set(sections) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_in_help_what_it_is_for(name: str) -> None:
    assert COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    silent = [action.option_strings[0] for action in options(COMMANDS[name][0]) if not action.help]
    assert silent == [], f"hydra {name}: no help for {silent}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_in_the_reference_are_those_of_the_command(name: str, sections: dict[str, str]) -> None:
    real = {text for action in options(COMMANDS[name][0]) for text in action.option_strings}
    told = set(re.findall(r"`(--[a-z-]+)`", sections[name]))
    assert told == real


def test_the_options_of_all_commands_are_in_the_reference(reference: Any) -> None:
    for action in options(parser()):
        assert f"`hydra {action.option_strings[0]}" in reference.section("Commands")


def _shown(documents: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, document in documents.items():
        for text in document.code:
            for part in re.split(r"&&|\|", text):
                found = re.match(r"(?:\S+=\S+ )*(?:\.venv/bin/)?hydra (.*)", part.strip())
                if found:
                    yield name, re.split(r"\s#|;", found[1])[0].strip()


def test_every_command_that_a_document_names_exists(documents: dict[str, Any]) -> None:
    shown = list(_shown(documents))
    assert len(shown) > 50
    groups = {name.split()[0] for name in COMMANDS if " " in name}
    for where, text in shown:
        words = [word for word in text.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
        if text.startswith(("-", "…", "COMMAND")) or (len(words) == 1 and words[0] in groups):
            continue
        known = " ".join(words[:2]) in COMMANDS or (words and words[0] in COMMANDS)
        assert known, f"{where} names the command 'hydra {text}', which is not there"


def test_every_command_line_that_can_be_copied_is_understood(documents: dict[str, Any]) -> None:
    lines = [
        (name, line.split(" #")[0].strip())
        for name, document in documents.items()
        for language, block in document.blocks
        if language == "sh"
        for line in block.splitlines()
        if line.startswith("hydra ") and "--help" not in line
    ]
    assert len(lines) > 10
    commands = parser()
    for name, line in lines:
        try:
            commands.parse_args(shlex.split(line)[1:])
        except SystemExit:
            pytest.fail(f"{name}: {line!r} is not understood")


def test_every_command_that_the_program_advises_exists(root: Path) -> None:
    groups = {name.split()[0] for name in COMMANDS if " " in name}
    advised = [
        (path.name, command)
        for path in sorted((root / "hydra_core").rglob("*.py"))
        for command in re.findall(r"'hydra ([a-z][^'`{\n]*)'", path.read_text(encoding="utf-8"))
    ]
    assert len(advised) > 10
    for name, command in advised:
        words = [word for word in command.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
        assert " ".join(words) in {*COMMANDS, *groups}, f"{name} advises 'hydra {command}', which is not there"
