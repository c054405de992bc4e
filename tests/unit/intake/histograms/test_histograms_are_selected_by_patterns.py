from __future__ import annotations

import pytest

from hydra_core.intake.histograms.select import selected


@pytest.mark.parametrize(
    ("path", "take", "leave", "wanted"),
    [
        ("CDC/straws/occupancy", ("*",), (), True),
        ("CDC/straws/occupancy", ("CDC/*",), (), True),
        ("CDC/straws/occupancy", ("FDC/*", "*occupancy"), (), True),
        ("CDC/straws/occupancy", ("straws/*",), (), False),
        ("CDC/straws/occupancy", ("cdc/*",), (), False),
        ("CDC/straws/occupancy", (), (), False),
        ("CDC/straws/occupancy", ("*",), ("*/straws/*",), False),
        ("CDC/a[1]", ("CDC/a[[]1]",), (), True),
        ("", ("*",), (), True),
    ],
)
def test_a_path_is_taken_when_a_pattern_fits_all_of_it_and_none_leaves_it(
    path: str, take: tuple[str, ...], leave: tuple[str, ...], wanted: bool
) -> None:
    assert selected(path, take, leave) is wanted
