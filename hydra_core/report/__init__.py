"""The static site: frozen views in, HTML pages, sprites and `.js` shards out.

Knows no database and no Cylc: `hydra_core.stages` fills the views. A run revision's page is written once.
"""

from hydra_core.report.index_page import publish_front, publish_index
from hydra_core.report.lock import site_lock
from hydra_core.report.pages import template_folder
from hydra_core.report.run_page import publish_run
from hydra_core.report.site_pages import publish_help, publish_library, publish_status

__all__ = [
    "publish_front",
    "publish_help",
    "publish_index",
    "publish_library",
    "publish_run",
    "publish_status",
    "site_lock",
    "template_folder",
]
