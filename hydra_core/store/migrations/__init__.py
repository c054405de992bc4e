"""Schema migrations: one file a step, applied only by `hydra db upgrade`.

`env.py` is what Alembic loads; `versions/` holds the steps in order.
"""
