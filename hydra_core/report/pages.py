"""What the rest of Hydra calls to publish: one function a page, and the lock that they share."""

from __future__ import annotations

from hydra_core.report.index_page import publish_front, publish_index
from hydra_core.report.lock import site_lock
from hydra_core.report.news import publish_news
from hydra_core.report.rendering import template_folder
from hydra_core.report.run_page import publish_run
from hydra_core.report.site_pages import publish_help, publish_library, publish_status
from hydra_core.report.training_report_page import publish_report

__all__ = [
    "publish_front",
    "publish_help",
    "publish_index",
    "publish_library",
    "publish_news",
    "publish_report",
    "publish_run",
    "publish_status",
    "site_lock",
    "template_folder",
]
