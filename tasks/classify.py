"""Node classify: look at every image and write down what the judges say."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.classify import classify

if __name__ == "__main__":
    sys.exit(run_job(classify))
