"""`hydra …`: arguments in, one call, words and an exit code out.

`main.py` is the entry; each other module adds the sub-commands of one subject.
"""
