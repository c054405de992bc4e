"""Every test here plays stages one after the other on a small deployment of its own."""

from __future__ import annotations

from tests.small_deployment import after, deployment, finished, make, snapshots

__all__ = ["after", "deployment", "finished", "make", "snapshots"]
