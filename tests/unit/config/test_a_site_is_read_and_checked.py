from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hydra_core.base.errors import ConfigError
from hydra_core.base.names import PlotKey
from hydra_core.config.load import MAX_BYTES, load_site, shipped
from hydra_core.config.site import Site

PLAIN = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'


def a_site(folder: Path, site: str = PLAIN, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "site.toml").write_text(site, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_short_site_has_a_default_for_all_else(tmp_path: Path) -> None:
    site = load_site(a_site(tmp_path / "site"))
    assert site.root == tmp_path / "site" / "data"
    assert site.intake == site.root / "incoming"
    assert site.database_url == f"sqlite:///{site.root}/hydra.sqlite"
    assert [known.name for known in site.plots.classes if known.problem] == ["Bad", "HotChannel"]
    assert not site.people.anyone_may_label
    for path in (site.folder, site.root, site.models, site.inbox, site.requests_kept, site.site_pages):
        assert path.is_absolute()


@pytest.mark.parametrize(
    ("files", "file", "key"),
    [
        ({"site": ""}, "site.toml", "site"),
        ({"site": PLAIN.replace('name = "a"', 'name = "a b"')}, "site.toml", "site.name"),
        ({"site": PLAIN + 'intak = "x"\n'}, "site.toml", "paths.intak"),
        ({"site": PLAIN + "[trainin]\nepochs = 3\n"}, "site.toml", "trainin"),
        ({"site": PLAIN + "[training]\nepochs = 0\n"}, "site.toml", "training.epochs"),
        ({"site": PLAIN + '[training]\nsize = [128, "x"]\n'}, "site.toml", "training.size.1"),
        ({"site": PLAIN + '[[intake.rule]]\nname = "x"\n'}, "site.toml", "intake.rule.0.pattern"),
        ({"site": PLAIN + '[publish]\nfull_images = "some"\n'}, "site.toml", "publish.full_images"),
        ({"site": PLAIN + '[cylc]\nworkflow_prefix = "../x"\n'}, "site.toml", "cylc.workflow_prefix"),
        ({"site": PLAIN.replace('"data"', '"~nobody-here/x"')}, "site.toml", "paths.data_root"),
        ({"site": PLAIN.replace('"data"', '"a\\u0000b"')}, "site.toml", "paths.data_root"),
        ({"plots": '[[plot]]\nnam = "x"\n'}, "plots.toml", "plot.0.name"),
        ({"plots": '[[plot]]\nname = "x"\nchunkd = true\n'}, "plots.toml", "plot.0.chunkd"),
        ({"plots": '[[plot]]\nname = "x:chunks"\n'}, "plots.toml", "plot.0.name"),
        ({"plots": '[[class]]\nname = "Good"\ncolour = "green"\n'}, "plots.toml", "class.0.colour"),
        ({"plots": '[[class]]\nname = "Ignore"\ncolour = "#000000"\n'}, "plots.toml", "class.0.name"),
        ({"people": '[[person]]\naccounts = ["ada"]\n'}, "people.toml", "person.0.name"),
        ({"people": "anyone_may_label = 3\n"}, "people.toml", "anyone_may_label"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, files: dict[str, str], file: str, key: str) -> None:
    folder = a_site(tmp_path / "site", **files)
    with pytest.raises(ConfigError) as caught:
        load_site(folder)
    assert caught.value.cause.startswith(f"{folder / file}: {key}: ")
    assert caught.value.next_step == "mend that setting"


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"site\.name.*\(and 1 more\)"):
        load_site(a_site(tmp_path / "site", PLAIN.replace('"a"', '""').replace('"A"', "5")))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[plot]]\nname = "x"\n[[plot]]\nname = "x"\n', "plot type 'x:chunks'"),
        ('[[plot]]\nname = "é"\n[[plot]]\nname = "e\u0301"\n', "plot type 'é:chunks'"),
        ('[[class]]\nname = "A"\ncolour = "#000000"\n[[class]]\nname = "A"\ncolour = "#000001"\n', "class 'A'"),
    ],
)
def test_twins_are_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"plots\.toml: {what} is there twice"):
        load_site(a_site(tmp_path / "site", plots=text))


def test_one_name_per_chunk_and_per_run_are_two_plot_types(tmp_path: Path) -> None:
    text = '[[plot]]\nname = "x"\ndisplay = "X"\n[[plot]]\nname = "x"\nchunked = false\n'
    site = load_site(a_site(tmp_path / "site", plots=text))
    assert site.plot_type(PlotKey("x", True)).display == "X"
    assert site.plot_type(PlotKey("x", False)).display == ""
    assert site.plot_type(PlotKey("unknown", False)).key == PlotKey("unknown", False)
    assert not site.plot_class("unknown").problem


def test_a_variable_is_taken_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        PLAIN.replace('"data"', '"${HYDRA_TEST_ROOT}/x"')
        + '[[intake.rule]]\nname = "${HYDRA_TEST_ROOT}"\npattern = "$"\n'
    )
    folder = a_site(tmp_path / "site", text)
    monkeypatch.setenv("HYDRA_TEST_ROOT", str(tmp_path / "far"))
    site = load_site(folder)
    assert site.root == tmp_path / "far" / "x"
    assert site.settings.intake.rules[0].name == str(tmp_path / "far")
    monkeypatch.delenv("HYDRA_TEST_ROOT")
    with pytest.raises(ConfigError, match=r"site\.toml names the variable HYDRA_TEST_ROOT, which is not set") as caught:
        load_site(folder)
    assert caught.value.next_step == "export HYDRA_TEST_ROOT=…"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[site\n", r"not valid TOML.*line 1"),
        (b'[site]\nname = "\xff"\n', "not valid TOML"),
        (b"#" * (MAX_BYTES + 1), "is larger than"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    folder = a_site(tmp_path / "site")
    (folder / "site.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=words) as caught:
        load_site(folder)
    assert str(folder / "site.toml") in caught.value.cause


def test_a_missing_site_says_how_to_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRA_SITE", raising=False)
    with pytest.raises(ConfigError, match="no site was given"):
        load_site(None)
    with pytest.raises(ConfigError, match="No such file") as caught:
        load_site(tmp_path / "nothing")
    assert "--site" in caught.value.next_step
    monkeypatch.setenv("HYDRA_SITE", str(a_site(tmp_path / "site")))
    assert load_site(None).name == "a"


def test_the_site_that_travels_with_hydra_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_DATA_ROOT", str(tmp_path / "data"))
    site = load_site("demo")
    assert site.folder == shipped("site-config") / "demo"
    assert site.root == tmp_path / "data"


def test_a_site_cannot_be_changed_by_mistake(tmp_path: Path) -> None:
    site = load_site(a_site(tmp_path / "site"))
    with pytest.raises(ValidationError, match="frozen"):
        site.settings.training.epochs = 3  # type: ignore[misc]


def test_files_of_a_run_lie_below_the_data_root(tmp_path: Path) -> None:
    site: Site = load_site(a_site(tmp_path / "site"))
    assert site.staging("2026-01/ver02", 7, 1) == site.root / "staging/2026-01/ver02/7/r1"
    assert site.archive_file("2026-01/ver02", 120_017, 2) == site.root / "archive/2026-01/ver02/120000/120017-r2.h5"
    assert site.model_folder(PlotKey("../x", True), "../y").is_relative_to(site.models)


def cause_or_folder(folder: Path) -> str:
    try:
        return str(load_site(folder).folder)
    except ConfigError as error:
        return error.cause


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=60) | st.sampled_from([PLAIN, "[site]\n", "a = 1e999\n"]), st.text(max_size=30))
def test_any_text_is_a_site_or_an_error_that_names_its_file(tmp_path: Path, one: str, other: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    for name, text in (("site", one), ("plots", other)):
        (folder / f"{name}.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert str(folder) in cause_or_folder(folder)
