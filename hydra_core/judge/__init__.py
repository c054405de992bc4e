"""Evidence → verdicts → incidents: pure functions, no files, no database.

`rules.py` is the order in which evidence counts; `words.py` says it to a person; `incidents.py` merges chunks.
"""
