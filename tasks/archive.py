"""Node archive: put the verified block where it stays, and see whether labels wait."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.archive import archive

if __name__ == "__main__":
    sys.exit(run_job(archive))
