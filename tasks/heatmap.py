"""Node heatmap: show where the network looked, for what needs a person."""

import sys

from hydra_core.cli.job import run_job
from hydra_core.stages.heatmap import heatmap

if __name__ == "__main__":
    sys.exit(run_job(heatmap))
