"""Hydra: offline data-quality monitoring of detector plots, run by Cylc.

The library behind the ``hydra`` command and the tasks of the workflow; ``docs/architecture.md`` is the map.
"""

__version__ = "0.1.0"
