from __future__ import annotations

import re
from typing import Any

from hydra_core.models.networks import NETWORKS


def test_the_table_of_networks_is_the_registry(documents: dict[str, Any]) -> None:
    told = re.findall(r"^\| `(\w+)` \|", documents["docs/models.md"].section("Networks"), re.MULTILINE)
    assert sorted(told) == sorted([*NETWORKS, "own"])
