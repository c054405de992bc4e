"""A threshold for a budget of errors, from what a finished model said of its validation images."""

from __future__ import annotations

from hydra_core.base.errors import HydraError
from hydra_core.config.site import Site
from hydra_core.models.spec import Threshold
from hydra_core.models.thresholds import Policy, by_policy
from hydra_core.models.trusted import read_answers
from hydra_core.store.registry import ModelRow


def policy_threshold(site: Site, model: ModelRow, class_name: str, policy: Policy) -> Threshold:
    """Return the threshold of a class that keeps a policy; nothing is set.

    Raises
    ------
    HydraError
        When the model keeps no answers, does not know the class, or no threshold is known to keep the policy.
    DataError
        When its files cannot be read.
    """
    answers = read_answers(site.model_folder(model.plot, model.name))
    if answers is None:
        raise HydraError(
            f"{model.name} was made before models kept their answers, so no budget can be tried on it",
            next_step="give a value, or train this plot type again",
        )
    found = by_policy(answers, class_name, policy)
    if found.chosen != "asked":
        why = policy.too_few(found) or found.method
        raise HydraError(
            f"no threshold of {class_name} is known to keep {policy.words}: {why}",
            next_step="allow more, label more images of other runs, or give a value",
        )
    return found
