"""The lock of a site holds between processes, may be entered twice, and dies with its holder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys

import pytest

from hydra_core.report.lock import site_lock
from hydra_core.report.pages import publish_front, template_folder
from hydra_core.report.rendering import keep_assets

HOLD = """
import sys
from pathlib import Path
from hydra_core.report.lock import site_lock
with site_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def free(site) -> bool:
    handle = os.open(site / ".lock", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def test_the_lock_holds_between_processes_and_dies_with_its_holder(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert not free(tmp_path)
        holder.kill()
        holder.wait()
    assert free(tmp_path)


def test_the_holder_may_enter_again(tmp_path, samples):
    with site_lock(tmp_path):
        with site_lock(tmp_path):
            publish_front(tmp_path, samples.front_view())
        assert not free(tmp_path)
    assert free(tmp_path)


def test_an_error_frees_the_lock(tmp_path):
    with pytest.raises(RuntimeError), site_lock(tmp_path):
        raise RuntimeError
    assert free(tmp_path)


def test_assets_lie_in_a_folder_named_by_their_content(tmp_path):
    href = keep_assets(tmp_path)
    assert keep_assets(tmp_path) == href
    there = {path.name for path in (tmp_path / href).iterdir()}
    assert there == {path.name for path in (template_folder() / "assets").iterdir()}
    assert len(list((tmp_path / "assets").iterdir())) == 1
