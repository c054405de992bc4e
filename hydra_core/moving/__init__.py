"""Moving in: a hall comes over from a database of the original Hydra.

`original.py` reads that database; `plot_types.py`, `classes.py`, `groups.py` and `people.py` say what of it becomes
configuration; `labels.py`, `models.py` and `verdicts.py` enter the rest; `take_over.py` puts them in order.
"""
