"""The static site: frozen views in, HTML pages, sprites and `.js` shards out.

Knows no database and no Cylc: `hydra_core.stages` fills the views. A run revision's page is written once.
"""
