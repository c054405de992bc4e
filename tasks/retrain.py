"""Node retrain: take labels in, train what is due, let the result prove itself."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.retrain import retrain

if __name__ == "__main__":
    sys.exit(run_job(retrain))
