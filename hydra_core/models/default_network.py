"""Which network is trained where a site names none, and which inputs are too small for a network."""

from __future__ import annotations

from dataclasses import dataclass

#: What a site writes to leave the choice to Hydra.
AUTO = "auto"

SMALL, SMALL_SIZE = "compact", (128, 128)
LARGE, LARGE_SIZE = "inceptionv3", (299, 299)

#: With fewer places a side the last map of a network says hardly more than that something is wrong somewhere.
FEWEST_PLACES = 4


@dataclass(frozen=True)
class Choice:
    """A network and its input.

    Attributes
    ----------
    size
        Height and width in pixels.
    why
        Why it was taken, in a sentence; empty where the site names the network.
    """

    network: str
    size: tuple[int, int]
    why: str = ""


def choose(network: str, size: tuple[int, int] | None, *, gpu: bool, farm: bool) -> Choice:
    """Return the network to train.

    Parameters
    ----------
    network
        As the site says; `AUTO` leaves the choice.
    size
        Height and width in pixels as the site says; None leaves the choice.
    gpu
        Whether this job has a GPU.
    farm
        Whether trainings of the site run on a farm, with GPUs asked for.
    """
    if network != AUTO:
        return Choice(network, size or SMALL_SIZE)
    if not (gpu or farm):
        return Choice(SMALL, size or SMALL_SIZE, f"{SMALL} was taken because there is no GPU for trainings")
    where = "this job has a GPU" if gpu else "farm.cylc asks for GPUs for trainings"
    if size is not None and _too_small(size):
        told = f"the size {size[0]} x {size[1]} is too small for {LARGE}"
        return Choice(SMALL, size, f"{SMALL} was taken because {told}, though {where}")
    return Choice(LARGE, size or LARGE_SIZE, f"{LARGE} was taken because {where}")


def warning(network: str, size: tuple[int, int]) -> str:
    """Return a sentence where the last map of a network has too few places for the input; empty where it has enough."""
    if not network.startswith(LARGE) or not _too_small(size):
        return ""
    height, width = (inception_places(side) for side in size)
    return (
        f"{network} at {size[0]} x {size[1]} pixels ends in {height} x {width} places, too few to say where a fault "
        f"is: give it {LARGE_SIZE[0]} x {LARGE_SIZE[1]} pixels, or take {SMALL}"
    )


def inception_places(side: int) -> int:
    """Return how many places a side the last map of InceptionV3 has for an input of `side` pixels (75 or more)."""
    # Convolutions and pools without a border: kernel 3 with step 2 (*) or step 1, in their order.
    for step in (2, 1, 2, 1, 2, 2, 2):
        side = (side - 3) // step + 1
    return side


def _too_small(size: tuple[int, int]) -> bool:
    return min(inception_places(side) for side in size) < FEWEST_PLACES
