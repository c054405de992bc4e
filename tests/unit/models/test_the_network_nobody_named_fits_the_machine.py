from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.config.training import TrainingSection
from hydra_core.models.asked import TrainSpec
from hydra_core.models.default_network import AUTO, FEWEST_PLACES, choose, inception_places, warning
from hydra_core.models.networks import NETWORKS

SIDES = st.integers(16, 1024)


@pytest.mark.parametrize(
    ("gpu", "farm", "network", "size", "word"),
    [
        (False, False, "compact", (128, 128), "no GPU"),
        (True, False, "inceptionv3", (299, 299), "this job has a GPU"),
        (False, True, "inceptionv3", (299, 299), r"farm.cylc asks"),
        (True, True, "inceptionv3", (299, 299), "this job has a GPU"),
    ],
)
def test_auto_takes_the_large_network_where_a_gpu_trains(
    gpu: bool, farm: bool, network: str, size: tuple[int, int], word: str
) -> None:
    found = choose(AUTO, None, gpu=gpu, farm=farm)
    assert (found.network, found.size) == (network, size)
    assert found.why.startswith(f"{network} was taken because ")
    assert word in found.why


@given(st.sampled_from(sorted(NETWORKS)), st.tuples(SIDES, SIDES) | st.none(), st.booleans(), st.booleans())
def test_a_network_that_is_named_is_kept_without_a_reason(
    network: str, size: tuple[int, int] | None, gpu: bool, farm: bool
) -> None:
    found = choose(network, size, gpu=gpu, farm=farm)
    assert (found.network, found.size, found.why) == (network, size or (128, 128), "")


@given(st.tuples(SIDES, SIDES), st.booleans(), st.booleans())
def test_auto_keeps_a_size_that_is_named_and_never_takes_a_network_that_is_too_coarse_for_it(
    size: tuple[int, int], gpu: bool, farm: bool
) -> None:
    found = choose(AUTO, size, gpu=gpu, farm=farm)
    assert found.size == size
    assert warning(found.network, found.size) == ""
    if found.network == "compact" and (gpu or farm):
        assert "too small for inceptionv3" in found.why


# As Keras says of InceptionV3.
@pytest.mark.parametrize(
    ("side", "places"),
    [(75, 1), (96, 1), (128, 2), (139, 3), (170, 3), (171, 4), (192, 4), (224, 5), (299, 8), (311, 8)],
)
def test_the_last_map_of_inception_is_as_large_as_it_is(side: int, places: int) -> None:
    assert inception_places(side) == places


@pytest.mark.parametrize("network", ["inceptionv3", "inceptionv3_cbam"])
def test_an_input_too_small_for_inception_is_told(network: str) -> None:
    assert warning(network, (128, 299)) == (
        f"{network} at 128 x 299 pixels ends in 2 x 8 places, too few to say where a fault is: "
        "give it 299 x 299 pixels, or take compact"
    )
    assert warning(network, (171, 171)) == ""
    assert min(map(inception_places, (171, 171))) == FEWEST_PLACES


@pytest.mark.parametrize("network", sorted(NETWORKS.keys() - {"inceptionv3", "inceptionv3_cbam"}))
def test_other_networks_are_never_said_to_be_too_coarse(network: str) -> None:
    assert warning(network, (64, 64)) == ""


def test_a_site_leaves_the_choice_and_a_training_never_does() -> None:
    assert (TrainingSection().network, TrainingSection().size) == (AUTO, None)
    assert TrainSpec().network in NETWORKS
