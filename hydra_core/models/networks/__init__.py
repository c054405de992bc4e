"""The networks: a registry of bodies, and the head that they share.

``build`` is the door; ``registry`` says what there is, ``own`` finds the networks of a site.
"""

from hydra_core.models.networks.build import OWN_HEAD, build, learning_rate_of, network_names
from hydra_core.models.networks.registry import NETWORKS
from hydra_core.models.networks.stage import fine_stage, outputs_seen

__all__ = ["NETWORKS", "OWN_HEAD", "build", "fine_stage", "learning_rate_of", "network_names", "outputs_seen"]
