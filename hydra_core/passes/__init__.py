"""The life of a pass: create, arrive, heal, close. The only package that speaks to Cylc.

`ledger` decisions are made from the database; `scheduler.py` turns them into `cylc` commands.
"""
