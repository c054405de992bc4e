from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError, RequestError
from hydra_core.base.files import sha256_bytes
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels import inbox
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_promotion, write_threshold
from hydra_core.labels.send import send, sender
from hydra_core.models.spec import CARD_VERSION
from hydra_core.stages import gate_today, promotion
from hydra_core.stages.judging import current_set, rules_in_force
from hydra_core.stages.promotion import EFFECTS, way_back
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import (
    ThresholdRow,
    add_judging_set,
    add_model,
    all_models,
    find_model,
    newest_judging_set,
    set_model_status,
    thresholds_of,
)
from hydra_core.store.session import reading, writing
from tests.request_samples import a_database, a_site
from tests.store_samples import CDC, RICH

CLASSES = ("Dead", "Good", "NoData")
#: Macro-F1 on the card of each model; the first is live.
MODELS = {"cdc-1": 0.9, "cdc-2": 0.95, "cdc-3": 0.85}
Said = tuple[int, str, str]
Change = Callable[[dict[str, Any]], None]


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, trained: Any) -> Path:
    """Return the folder of a site with three models of one plot type; the first is live."""
    folder = tmp_path_factory.mktemp("deployment") / "site"
    a_site(folder)
    with (folder / "site.toml").open("a", encoding="utf-8") as file:
        file.write("[training]\nproblem_required = false\nmin_macro_f1 = 0.5\n")
    site = load_site(folder)
    with a_database(site) as engine:
        for name, macro_f1 in MODELS.items():
            at = site.model_folder(CDC, name)
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(trained.result.folder, at)
            identity = change_card(at, lambda card, value=macro_f1: card["test"].update(macro_f1=value))  # type: ignore[misc]

            def enter(connection: Connection, name: str = name, identity: str = identity) -> None:
                kind = plot_type_ids(connection, [CDC])[CDC]
                thresholds = [ThresholdRow(known, 0.5, "default: too few", 3) for known in CLASSES]
                model = add_model(connection, kind, name, identity, "tiny", thresholds, [])
                set_model_status(connection, model.id, "live" if name == "cdc-1" else "retired", "as it was made")
                add_judging_set(connection, f"{name} is there", rules_in_force(site))

            writing(engine, enter)
    return folder


def promote(site: Site, engine: Engine, name: str, *, who: str, why: str, despite_gate: bool = False) -> str:
    """Let a model go live through a request; return what became of it."""
    request = write_promotion(who, now(), name, why=why, despite_gate=despite_gate)
    return send(site, engine, request, "promote", EFFECTS).said


def roll_back(site: Site, engine: Engine, *, who: str, why: str) -> str:
    """Let the model that was live before go live through a request; return what became of it."""
    with reading(engine) as connection:
        model = way_back(connection, kind_of(engine))
    return send(
        site, engine, write_promotion(who, now(), model.name, why=why, action="rollback"), "promote", EFFECTS
    ).said


def set_threshold(site: Site, engine: Engine, name: str, class_name: str, value: float) -> str:
    """Set a threshold through a request; return what became of it."""
    return send(
        site, engine, write_threshold("Ada", now(), name, class_name, value, why="x"), "threshold", EFFECTS
    ).said


def change_card(folder: Path, change: Change) -> str:
    """Change a model's card and return its identity."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    change(card)
    data = json.dumps(card).encode()
    (folder / "model.json").write_bytes(data)
    return sha256_bytes(data)


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Site:
    shutil.copytree(made, tmp_path / "site")
    return load_site(tmp_path / "site")


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    from hydra_core.store.session import open_engine

    engine = open_engine(site.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def hydra(site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command and gives its exit code and what it printed."""

    def run(*arguments: str) -> Said:
        code = main(["--site", str(site.folder), "models", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def state(engine: Engine) -> tuple[dict[str, str], str, int]:
    """Return the status of each model, the model in the newest judging set, and that set's number."""
    with reading(engine) as connection:
        statuses = {one.name: one.status for one in all_models(connection)}
        newest = newest_judging_set(connection)
    assert newest is not None
    return statuses, newest.models[CDC].model.name, newest.number


def live_is(engine: Engine, name: str) -> int:
    """Check that this model alone is live, and in the newest judging set; return the set's number."""
    statuses, used, number = state(engine)
    assert [one for one, status in statuses.items() if status == "live"] == [name] == [used]
    return number


def kind_of(engine: Engine) -> int:
    with reading(engine) as connection:
        found = find_model(connection, "cdc-1")
    assert found is not None
    return found.plot_type_id


def reason_of(engine: Engine, name: str) -> str:
    with reading(engine) as connection:
        found = find_model(connection, name)
    assert found is not None
    return found.reason


def test_a_model_that_is_promoted_replaces_the_live_one_in_a_new_judging_set(
    hydra: Callable[..., Said], site: Site, engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, printed, _ = hydra("promote", "cdc-2", "--why", "the new  boards")
    assert code == 0
    assert printed.startswith(f"cdc-2 is live in judging set {before + 1}: macro-F1 0.950 against the live model's")
    assert live_is(engine, "cdc-2") == before + 1
    assert reason_of(engine, "cdc-2") == f"promoted by {sender()}: the new boards"
    assert reason_of(engine, "cdc-1") == f"replaced by cdc-2, promoted by {sender()}: the new boards"
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
        assert newest is not None
        assert newest.reason == f"cdc-2 went live: promoted by {sender()}: the new boards"
        assert newest == current_set(connection, site)
    assert "cdc-2" in (site.site_pages / "library.html").read_text(encoding="utf-8")


def test_a_model_that_the_gate_refuses_goes_live_only_where_somebody_insists(
    hydra: Callable[..., Said], engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, _, said = hydra("promote", "cdc-3", "--why", "x")
    assert code == 7
    assert "the gate keeps cdc-3 out: macro-F1 0.850 is worse than the live model's 0.900" in said
    assert live_is(engine, "cdc-1") == before
    code, printed, _ = hydra("promote", "cdc-3", "--why", "x", "--despite-gate")
    assert code == 0
    assert "against the gate: macro-F1 0.850 is worse" in printed
    assert live_is(engine, "cdc-3") == before + 1
    assert "promoted by" in reason_of(engine, "cdc-3")
    assert "(against the gate: macro-F1 0.850 is worse" in reason_of(engine, "cdc-3")


def test_what_was_kept_out_at_its_training_stays_out_for_the_same_reason(site: Site, engine: Engine) -> None:
    def reject(connection: Connection) -> None:
        found = find_model(connection, "cdc-2")
        assert found is not None
        set_model_status(connection, found.id, "rejected", "it squints")

    writing(engine, reject)
    with pytest.raises(HydraError, match="the gate keeps cdc-2 out: it squints"):
        promote(site, engine, "cdc-2", who="Ada", why="x")


def test_a_live_model_whose_card_is_gone_can_be_replaced_by_somebody_who_insists(site: Site, engine: Engine) -> None:
    (site.model_folder(CDC, "cdc-1") / "model.json").unlink()
    with pytest.raises(HydraError, match="the live model cannot be compared"):
        promote(site, engine, "cdc-2", who="Ada", why="x")
    promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)
    live_is(engine, "cdc-2")


def test_the_way_back_leads_to_the_model_that_was_live_before(hydra: Callable[..., Said], engine: Engine) -> None:
    hydra("promote", "cdc-2", "--why", "x")
    before = live_is(engine, "cdc-2")
    # The gate would refuse it: it is worse.
    code, printed, _ = hydra("rollback", CDC.name, "--why", "it calls everything Dead")
    assert code == 0
    assert printed == f"cdc-1 is live again in judging set {before + 1}, instead of cdc-2\n"
    assert live_is(engine, "cdc-1") == before + 1
    assert reason_of(engine, "cdc-1") == f"taken back by {sender()}: it calls everything Dead"
    # Nothing was live before it: the way back does not lead to the model that was just left.
    code, _, said = hydra("rollback", CDC.name, "--why", "it was the plots")
    assert code == 1
    assert "no other model was live for this plot type before" in said
    live_is(engine, "cdc-1")


def test_the_way_back_leads_further_back_each_time_and_on_from_where_it_led(site: Site, engine: Engine) -> None:
    for name in ("cdc-2", "cdc-3", "cdc-1"):
        promote(site, engine, name, who="Ada", why="x", despite_gate=True)
    led = []
    for _ in range(2):
        roll_back(site, engine, who="Ada", why="x")
        led.append(state(engine)[1])
    assert led == ["cdc-3", "cdc-2"]
    # Of what was taken back nothing counts any more for what is promoted from here.
    promote(site, engine, "cdc-3", who="Ada", why="x", despite_gate=True)
    for wanted in ("cdc-2", "cdc-1"):
        roll_back(site, engine, who="Ada", why="x")
        live_is(engine, wanted)
    with pytest.raises(HydraError, match="no other model was live"):
        roll_back(site, engine, who="Ada", why="x")


def test_a_threshold_between_promotions_is_no_step_on_the_way_back(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    set_threshold(site, engine, "cdc-2", "Dead", 0.8)
    roll_back(site, engine, who="Ada", why="x")
    live_is(engine, "cdc-1")


def test_a_way_back_to_another_model_than_the_one_before_is_refused(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    request = write_promotion("Ada", now(), "cdc-3", why="x", action="rollback")
    with pytest.raises(RequestError, match="the way back does not lead to cdc-3 but to cdc-1"):
        send(site, engine, request, "promote", EFFECTS)
    live_is(engine, "cdc-2")


def test_a_request_that_was_made_before_the_last_one_changes_nothing(site: Site, engine: Engine) -> None:
    early = now()
    promote(site, engine, "cdc-2", who="Ada", why="x")
    with pytest.raises(RequestError, match="it was not made after the decision of Ada"):
        send(site, engine, write_promotion("Eve", early, "cdc-3", why="x", despite_gate=True), "promote", EFFECTS)
    live_is(engine, "cdc-2")
    set_threshold(site, engine, "cdc-2", "Dead", 0.8)
    with pytest.raises(RequestError, match="it was not made after the decision of Ada"):
        send(site, engine, write_threshold("Eve", early, "cdc-2", "Dead", 0.3, why="x"), "threshold", EFFECTS)
    # Another class is another matter.
    send(site, engine, write_threshold("Eve", early, "cdc-2", "Good", 0.3, why="x"), "threshold", EFFECTS)
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.models[CDC].thresholds == {"Dead": 0.8, "Good": 0.3, "NoData": 0.5}


def test_there_is_no_way_back_from_the_first_model(hydra: Callable[..., Said], engine: Engine) -> None:
    code, _, said = hydra("rollback", CDC.name, "--why", "x")
    assert code == 1
    assert "no other model was live for this plot type before" in said
    assert "no other model was live" in hydra("rollback", RICH.name, "--why", "x")[2]
    live_is(engine, "cdc-1")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("promote", "cdc-9", "--why", "x"), 7, "there is no model 'cdc-9'"),
        (("show", "cdc-9"), 1, "there is no model 'cdc-9'"),
        (("promote", "cdc-1", "--why", "x"), 7, "cdc-1 is live already"),
        (("promote", "cdc-2"), 1, "changes only with a reason"),
        (("promote", "cdc-2", "--why", "  "), 1, "changes only with a reason"),
        (("rollback", CDC.name), 1, "changes only with a reason"),
        (("rollback", "nothing", "--why", "x"), 1, "there is no plot type"),
        (("threshold", "cdc-1", "Dead", "0.5"), 1, "changes only with a reason"),
        (("threshold", "cdc-1", "Dead", "1.5", "--why", "x"), 1, "a threshold is from 0 to 1, not 1.5"),
        (("threshold", "cdc-1", "Dead", "nan", "--why", "x"), 1, "a threshold is from 0 to 1, not nan"),
        (("threshold", "cdc-1", "Hot", "0.5", "--why", "x"), 7, "cdc-1 knows no class 'Hot'"),
        (("threshold", "cdc-9", "Dead", "0.5", "--why", "x"), 7, "there is no model 'cdc-9'"),
        (("threshold", "cdc-1", "Dead", "0.5", "--why", "x" * 92), 1, "at most 91 characters, and this one has 92"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    hydra: Callable[..., Said], engine: Engine, words: tuple[str, ...], code: int, said: str
) -> None:
    before = state(engine)
    ended, _, error = hydra(*words)
    assert ended == code
    assert said in error
    assert state(engine) == before


def _altered_weights(folder: Path) -> None:
    (folder / "model.weights.h5").write_bytes(b"other")


def _foreign_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello", encoding="utf-8")


def _another_model(folder: Path) -> None:
    change_card(folder, lambda card: card["training"].update(code="another"))


def _another_version(folder: Path) -> None:
    change_card(folder, lambda card: card.update(version=CARD_VERSION + 1))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_altered_weights, "is not the file that was exported"),
        (_foreign_file, "does not belong into a model folder"),
        (_another_model, "does not hold the model cdc-2 that the database knows"),
        (_another_version, "is no model card this version knows"),
        (shutil.rmtree, "is missing or not a plain file"),
    ],
)
def test_a_folder_that_does_not_prove_itself_never_goes_live(
    site: Site, engine: Engine, damage: Callable[[Path], None], said: str
) -> None:
    damage(site.model_folder(CDC, "cdc-2"))
    before = state(engine)
    with pytest.raises(RequestError, match=said):
        promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)
    assert state(engine) == before


def test_a_model_for_images_prepared_in_another_way_never_goes_live(site: Site, engine: Engine) -> None:
    other = change_card(site.model_folder(CDC, "cdc-2"), lambda card: card.update(preprocessing="0" * 64))
    writing(engine, lambda connection: _set_identity(connection, "cdc-2", other))
    with pytest.raises(RequestError, match="prepared in another way"):
        promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)


def _set_identity(connection: Connection, name: str, identity: str) -> None:
    import sqlalchemy as sa

    from hydra_core.store.schema import Model

    connection.execute(sa.update(Model).where(Model.name == name).values(card_sha=identity))


def test_the_way_back_to_a_folder_that_does_not_prove_itself_is_refused(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    _foreign_file(site.model_folder(CDC, "cdc-1"))
    with pytest.raises(RequestError, match="does not belong"):
        roll_back(site, engine, who="Ada", why="x")
    live_is(engine, "cdc-2")


STEPS = {
    "check_request": inbox,
    "write_bytes": inbox,
    "writing": inbox,
    "save_request": inbox,
    "live_models": promotion,
    "set_model_status": promotion,
    "add_judging_set": promotion,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "afterwards"])
@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_kill_anywhere_leaves_one_live_model_and_the_next_call_goes_on(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch, action: str, step: str, when: str
) -> None:
    # The checks of the folder are proven above, and cost most of the time.
    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    if action == "rollback":
        promote(site, engine, "cdc-2", who="Ada", why="x")
    first, last = ("cdc-1", "cdc-2") if action == "promote" else ("cdc-2", "cdc-1")
    before = live_is(engine, first)
    site.inbox.mkdir(exist_ok=True)
    (site.inbox / "request.json").write_bytes(write_promotion("Ada", now(), last, why="x", action=action))
    real = getattr(STEPS[step], step)

    def killed(*arguments: Any) -> Any:
        if when == "afterwards":
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(STEPS[step], step, killed)
        receive(site, engine, EFFECTS)
    committed = (step, when) == ("writing", "afterwards")
    assert live_is(engine, last if committed else first) == before + committed
    receive(site, engine, EFFECTS)
    assert live_is(engine, last) == before + 1
    assert not list(site.inbox.iterdir())


def _fake_load(engine: Engine) -> Callable[..., Any]:
    class Opened:
        def __init__(self, folder: Path, threads: int) -> None:
            assert threads == 1
            with reading(engine) as connection:
                found = find_model(connection, folder.name)
            self.identity = found.card_sha if found else ""

    return Opened


def test_what_changed_while_the_folder_was_looked_at_is_noticed(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = gate_today.proven_model

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(promotion, "proven_model", real)
        # Somebody with an earlier request, as one with a later one would be refused for that reason.
        early = now() - timedelta(minutes=1)
        send(site, engine, write_promotion("Eve", early, "cdc-3", why="x", despite_gate=True), "promote", EFFECTS)
        return real(*arguments)

    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    monkeypatch.setattr(promotion, "proven_model", slow)
    with pytest.raises(HydraError, match="changed while cdc-2 was looked at"):
        promote(site, engine, "cdc-2", who="Ada", why="x")
    live_is(engine, "cdc-3")


def test_of_two_who_promote_at_once_one_model_is_live(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    done: list[str] = []

    def act(name: str) -> None:
        with contextlib.suppress(HydraError):
            promote(site, engine, name, who=name, why="x", despite_gate=True)
            done.append(name)

    threads = [threading.Thread(target=act, args=(name,)) for name in ("cdc-2", "cdc-3")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert done
    live_is(engine, done[-1] if len(done) == 1 else state(engine)[1])


def test_a_threshold_by_hand_makes_a_new_judging_set_where_the_model_is_live(
    hydra: Callable[..., Said], engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, printed, _ = hydra("threshold", "cdc-1", "Dead", "0.8", "--why", "too many calls")
    assert code == 0
    line = "Dead of cdc-1 is confirmed from 0.8 on, before from 0.5"
    assert printed == f"{line}, in judging set {before + 1}\n"
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
        found = find_model(connection, "cdc-1")
        assert newest is not None
        assert found is not None
        assert newest.models[CDC].thresholds == {"Dead": 0.8, "Good": 0.5, "NoData": 0.5}
        assert newest.reason == f"threshold of Dead of cdc-1 set to 0.8 by {sender()}: too many calls"
        assert thresholds_of(connection, found.id)["Dead"] == ThresholdRow("Dead", 0.8, "by hand: too many calls", 0)
    code, printed, _ = hydra("threshold", "cdc-2", "Dead", "0.9", "--why", "x")
    assert (code, live_is(engine, "cdc-1")) == (0, before + 1)
    assert printed.endswith("; cdc-2 is retired, so no verdict changes\n")


def test_a_threshold_that_was_set_is_that_of_the_model_when_it_goes_live(site: Site, engine: Engine) -> None:
    set_threshold(site, engine, "cdc-2", "Good", 0.7)
    promote(site, engine, "cdc-2", who="Ada", why="x")
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.models[CDC].thresholds["Good"] == 0.7


def test_a_model_is_shown_with_figures_thresholds_and_when_it_was_live(hydra: Callable[..., Said]) -> None:
    hydra("threshold", "cdc-1", "Dead", "0.8", "--why", "too many calls")
    hydra("promote", "cdc-2", "--why", "x")
    hydra("rollback", CDC.name, "--why", "y")
    code, printed, _ = hydra("show", "cdc-1")
    assert code == 0
    rows = [line.split("  ", 1)[0] for line in printed.splitlines()]
    assert {"model", "network", "test", "accuracy", "recall of Dead", "unconfirmed"} <= set(rows)
    assert "0.80, by hand: too many calls" in printed
    assert "judging set 2 to 3, from " in printed
    assert "judging set 5, from " in printed
    assert rows.count("was live in") == 2
    assert "no judging set" in hydra("show", "cdc-3")[1]


def test_two_models_are_compared_on_the_same_images(hydra: Callable[..., Said]) -> None:
    code, printed, _ = hydra("compare", "cdc-1", "cdc-2")
    assert code == 0
    (line,) = [line for line in printed.splitlines() if line.startswith("macro-F1")]
    assert line.split()[1] == "0.90"
    assert "0.95" in line


def test_a_model_is_not_compared_with_itself(hydra: Callable[..., Said]) -> None:
    code, _, said = hydra("compare", "cdc-1", "cdc-1")
    assert code == 1
    assert "they are one and the same" in said
    assert "train anew" not in said


def test_models_that_were_tested_on_other_images_are_not_compared(hydra: Callable[..., Said], site: Site) -> None:
    folder = site.model_folder(CDC, "cdc-2")
    change_card(folder, lambda card: card["test"].update(images="0" * 64))
    code, _, said = hydra("compare", "cdc-1", "cdc-2")
    assert code == 1
    assert "cannot be compared: they were tested on other images, one on " in said
    change_card(folder, lambda card: card.update(test=None))
    assert "cdc-2 was never tested on runs of its own" in hydra("compare", "cdc-2", "cdc-1")[2]
    assert "none: too few runs" in hydra("show", "cdc-2")[1]


@pytest.mark.parametrize("words", [(), ("list",)])
def test_every_model_is_listed(hydra: Callable[..., Said], words: tuple[str, ...]) -> None:
    code, printed, _ = hydra(*words)
    assert code == 0
    assert [line.split()[1:4] for line in printed.splitlines()[1:]] == [
        ["cdc-3", "tiny", "retired"],
        ["cdc-2", "tiny", "retired"],
        ["cdc-1", "tiny", "live"],
    ]
