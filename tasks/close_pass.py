"""Node close_pass: somebody closed the pass, so the ledger says so and the scheduler may end."""

import os
import sys

from hydra_core.base.importing import kept_for_good

with kept_for_good():
    from hydra_core.base.errors import HydraError
    from hydra_core.stages.close_pass import close_pass

if __name__ == "__main__":
    try:
        print(close_pass(os.environ.get("HYDRA_SITE"), os.environ["HYDRA_PASS"]))
    except HydraError as error:
        print(f"hydra: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
