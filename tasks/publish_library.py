"""Node publish_library: write the pages of the models."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.publish import publish_library

if __name__ == "__main__":
    sys.exit(run_job(publish_library))
