"""Node heatmap: show where the network looked, for what needs a person."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.heatmap import heatmap

if __name__ == "__main__":
    sys.exit(run_job(heatmap))
