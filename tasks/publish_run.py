"""Node publish_run: write the page of a run and every list that names it."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.publish import publish_run

if __name__ == "__main__":
    sys.exit(run_job(publish_run))
