from __future__ import annotations

import html
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st

from hydra_core.cli.main import parser
from hydra_core.report.pages import publish_index, publish_status
from hydra_core.report.site_pages import _decisions
from hydra_core.report.site_views import NewTypeView
from tests.store_samples import NOON

COMMANDS = parser()
NAMES = ("CDC/it's <b>:chunks", "--evil", "Q[2]:run")
NEW = tuple(NewTypeView(name, NOON, 3) for name in NAMES)


def status(site: Path, samples: ModuleType, new: tuple[NewTypeView, ...]) -> str:
    return (site / publish_status(site, replace(samples.status_view(), new_types=new))).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'<code class="command">(.*?)</code>', page)]


def test_each_new_plot_type_has_three_commands_that_can_be_copied(tmp_path: Path, samples: ModuleType) -> None:
    page = status(tmp_path, samples, NEW)
    assert "3 plot types are new and wait for a decision" in page
    assert "<b>" not in page.split('id="new-types"')[1].split("</section>")[0]
    found = [COMMANDS.parse_args(shlex.split(command)[1:]) for command in commands(page)]
    assert [one.names for one in found if "names" in one] == [[name] for name in NAMES for _ in range(2)]
    assert [(one.old, one.new) for one in found if "old" in one] == [(name, "NEW_NAME") for name in NAMES]


def test_one_new_plot_type_is_told_of_as_one(tmp_path: Path, samples: ModuleType) -> None:
    assert "1 plot type is new and waits for a decision" in status(tmp_path, samples, NEW[:1])


def test_where_nothing_waits_nothing_is_said(tmp_path: Path, samples: ModuleType) -> None:
    assert "New plot types" not in status(tmp_path, samples, ())
    index = samples.index_view()
    page = tmp_path / publish_index(tmp_path, index)
    assert "for a decision" not in page.read_text(encoding="utf-8")


def test_the_page_of_a_pass_leads_to_what_waits(tmp_path: Path, samples: ModuleType) -> None:
    path = publish_index(tmp_path, replace(samples.index_view(), new_types=2))
    page = (tmp_path / path).read_text(encoding="utf-8")
    (href,) = re.findall(r'<a href="([^"]*)">2 plot types are new and wait for a decision</a>', page)
    status(tmp_path, samples, NEW)
    target, anchor = href.split("#")
    assert f'id="{anchor}"' in ((tmp_path / path).parent / target).read_text(encoding="utf-8")


def test_of_thousands_the_first_are_named_and_the_others_counted(tmp_path: Path, samples: ModuleType) -> None:
    view = replace(samples.status_view(), new_types=NEW, more_new_types=2570)
    page = (tmp_path / publish_status(tmp_path, view)).read_text(encoding="utf-8")
    assert re.search(r"2\W?573 plot types are new and wait for a decision", page)
    assert re.search(r"And 2\W?570 more: <code>hydra plots --new</code>", page)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_commands_name_any_plot_type_as_it_is(name: str) -> None:
    accept, ignore, rename = _decisions(NewTypeView(name, NOON, 1))["commands"]
    for command in (accept, ignore):
        assert COMMANDS.parse_args(shlex.split(command)[1:]).names == [name]
    assert COMMANDS.parse_args(shlex.split(rename)[1:]).old == name
