"""Templates and assets: how a page becomes a file."""

from __future__ import annotations

import hashlib
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hydra_core.base.clock import iso
from hydra_core.base.files import atomic_folder, write_text
from hydra_core.base.words import percent
from hydra_core.config.load import shipped
from hydra_core.report.encode import breakable, finalize
from hydra_core.report.lock import site_lock
from hydra_core.report.marks import MARKS
from hydra_core.report.paths import root_of
from hydra_core.report.words import count, evidence_says, tested_words, when

#: Scripts, styles and images beside the page and nothing else; ``file:`` because not every browser takes a page
#: opened from disk for its own origin.
CSP = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)

#: What templates leave behind; a page of a run has hundreds.
_BLANK_LINES = re.compile(r"\n\s*\n")


def template_folder() -> Path:
    """Return the folder of page templates and assets: inside the wheel, or beside the package in a clone."""
    return shipped("templates")


@cache
def _environment(folder: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(iso=iso, when=when, count=count, name=breakable, percent=percent)
    made.filters.update(tested=tested_words, told=evidence_says)
    made.globals.update(CSP=CSP, MARKS=MARKS)
    return made


@cache
def _assets(folder: Path) -> tuple[str, tuple[Path, ...]]:
    files = tuple(sorted(path for path in (folder / "assets").iterdir() if path.is_file()))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12], files


def keep_assets(site: Path) -> str:
    """Put the style sheets and scripts of this version into the site, once; return their folder relative to it."""
    version, files = _assets(template_folder())
    target = site / "assets" / version
    if not target.is_dir():
        with site_lock(site), atomic_folder(target) as folder:
            for path in files:
                shutil.copyfile(path, folder / path.name)
    return f"assets/{version}"


def render(site: Path, template: str, href: str, **values: Any) -> str:
    """Return the HTML of a page that will lie in the folder `href` of the site."""
    root = root_of(href)
    page = _environment(template_folder()).get_template(template)
    html = page.render(root=root, assets=f"{root}{keep_assets(site)}", **values)
    return _BLANK_LINES.sub("\n", html)


def write_if_changed(target: Path, text: str) -> bool:
    """Replace a file unless it already says the same, so that a repeated publication touches nothing."""
    if target.is_file() and target.read_bytes() == text.encode("utf-8"):
        return False
    write_text(target, text)
    return True
