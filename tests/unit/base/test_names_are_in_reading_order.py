from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.names import reading_order


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["ADCHists100", "adchists2", "ADCHists1", "ADCHists10", "1a", "a1", "10", "9"]
    wanted = ["1a", "9", "10", "a1", "ADCHists1", "adchists2", "ADCHists10", "ADCHists100"]
    assert sorted(names, key=reading_order) == wanted


@given(st.lists(st.text(alphabet="aB01279_ ²٣ß", max_size=8), unique=True, max_size=6), st.randoms())
def test_any_names_have_one_order_whatever_order_they_come_in(names: list[str], chance: Random) -> None:
    shuffled = chance.sample(names, len(names))
    assert sorted(shuffled, key=reading_order) == sorted(names, key=reading_order)
