"""Node chunk_images: read the images of a run, once, into one verified block."""

import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.cli.job import run_job
    from hydra_core.stages.chunk_images import chunk_images

if __name__ == "__main__":
    sys.exit(run_job(chunk_images))
