from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


class Clone:
    """A folder with a pyproject.toml; making and installing are recorded instead of done."""

    def __init__(self, folder: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.venv = folder / ".venv"
        self.script = script
        self.done: list[str] = []
        self.status = 0
        for name, path in {
            "ROOT": folder,
            "VENV": self.venv,
            "STAMP": self.venv / "hydra-stamp.json",
            "UNFINISHED": self.venv / "hydra-unfinished",
        }.items():
            monkeypatch.setattr(script, name, path)
        monkeypatch.setattr(script, "make_empty", self.make_empty)
        monkeypatch.setattr(script, "install", self.install)
        self.write("numpy")

    def write(self, dependency: str, comment: str = "") -> None:
        text = f"{comment}\n[build-system]\n[project]\ndependencies = ['{dependency}']\n[tool.hatch]\n"
        (self.venv.parent / "pyproject.toml").write_text(text, encoding="utf-8")

    def make_empty(self) -> None:
        self.done.append("empty")
        self.venv.mkdir(exist_ok=True)
        self.script.UNFINISHED.touch()

    def install(self, extras: list[str]) -> int:
        self.done.append(f"install {','.join(extras)}".strip())
        (self.venv / "bin").mkdir(exist_ok=True)
        (self.venv / "bin" / "hydra").touch()
        return self.status

    def make(self, *extras: str) -> list[str]:
        self.done = []
        self.script.main(list(extras))
        return self.done


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    loader = importlib.machinery.SourceFileLoader("environment", str(ROOT / ".ci" / "environment"))
    spec = importlib.util.spec_from_loader("environment", loader)
    assert spec
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    return Clone(tmp_path, script, monkeypatch)


def test_a_second_make_does_nothing(clone: Clone) -> None:
    assert clone.make("dev") == ["empty", "install dev"]
    assert clone.make("dev") == []
    assert clone.make() == []


def test_an_extra_is_added_to_those_that_are_there(clone: Clone) -> None:
    clone.make("dev")
    assert clone.make("gui") == ["install dev,gui"]


def test_a_changed_dependency_is_installed_and_a_comment_is_not(clone: Clone) -> None:
    clone.make()
    clone.write("numpy", comment="# words")
    assert clone.make() == []
    clone.write("numpy<3")
    assert clone.make() == ["install"]


def test_an_environment_whose_making_failed_is_made_again_from_nothing(clone: Clone) -> None:
    clone.status = 1
    clone.make()
    clone.status = 0
    assert clone.make() == ["empty", "install"]


def test_a_moved_clone_gets_a_new_environment(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.make()
    monkeypatch.setattr(clone.script, "ROOT", clone.venv.parent / ".." / clone.venv.parent.name)
    assert clone.make() == ["empty", "install"]


def test_an_environment_that_somebody_made_by_hand_is_never_thrown_away(clone: Clone) -> None:
    (clone.venv / "bin").mkdir(parents=True)
    (clone.venv / "bin" / "python").symlink_to("/bin/false")
    assert clone.make() == []
    assert clone.script.main([]) == 1


def test_it_says_how_many_packages_are_unpacked_while_pip_is_silent(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packages = clone.venv / "lib" / "python3.11" / "site-packages"
    (packages / "pip-1.dist-info").mkdir(parents=True)

    class Over:
        looks = 0

        def wait(self, seconds: float) -> bool:
            assert seconds > 0
            self.looks += 1
            (packages / f"package{self.looks}-1.dist-info").mkdir()
            return self.looks > 2

    clone.script.tell_unpacking(clone.script.time.monotonic(), 7, Over())
    assert [line[-27:] for line in capsys.readouterr().out.splitlines()] == [
        "s, 1 of 7 packages unpacked",
        "s, 2 of 7 packages unpacked",
    ]
