"""What a site's ``farm.cylc`` says about the jobs that train."""

from __future__ import annotations

import re

#: Later ones override earlier ones, as Cylc inherits them.
_LINE_OF_RETRAIN = ("root", "TRAINING", "retrain")

_SECTION = re.compile(r"(\[+)\s*([^\[\]]+?)\s*\]+")
_SETTING = re.compile(r"([^=\[\]]+?)\s*=\s*(.*)")

#: Slurm's options that ask for cards by their number, and those that name a card among other things.
_COUNTED = frozenset({"--gpus", "-G", "--gpus-per-node", "--gpus-per-task", "--gpus-per-socket"})
_LISTED = frozenset({"--gres", "--tres-per-node", "--tres-per-task", "--tres-per-job"})


def trains_on_gpus(farm: str) -> bool:
    """Say whether trainings run on a platform other than this machine with GPUs asked for.

    Read as text: what templates would make of it is not known here. So a platform that a template names counts as a
    farm, and a directive inside of a condition counts as given.

    Parameters
    ----------
    farm
        Content of ``farm.cylc``; empty where there is none.
    """
    platform, directives = "", dict[str, str]()
    settings = _settings(farm)
    for family in _LINE_OF_RETRAIN:
        platform = settings.get((family, "", "platform"), platform)
        directives.update(
            {key: value for (name, part, key), value in settings.items() if (name, part) == (family, "directives")}
        )
    return platform not in {"", "localhost"} and any(_asks_for_cards(*one) for one in directives.items())


def _asks_for_cards(option: str, value: str) -> bool:
    if option in _COUNTED:
        return re.search(r"(^|:)0*$", value) is None
    return option in _LISTED and re.search(r"\bgpu(?!\S*:0+\b)", value) is not None


def _settings(farm: str) -> dict[tuple[str, str, str], str]:
    """Return (family, part such as ``directives`` or nothing, key) -> value, for all families of ``[runtime]``."""
    found: dict[tuple[str, str, str], str] = {}
    families: list[str] = []
    part = top = ""
    for raw in re.sub(r"\{#.*?#\}", "", farm, flags=re.DOTALL).splitlines():
        line = raw.split("#", 1)[0].strip()
        if section := _SECTION.fullmatch(line):
            depth, name = len(section[1]), section[2]
            if depth == 1:
                top, families, part = name, [], ""
            elif depth == 2:
                families, part = [one.strip() for one in name.split(",")], ""
            else:
                part = name
        elif (setting := _SETTING.fullmatch(line)) and top == "runtime":
            for family in families:
                found[family, part, setting[1].strip()] = setting[2].strip().strip("\"'")
    return found
