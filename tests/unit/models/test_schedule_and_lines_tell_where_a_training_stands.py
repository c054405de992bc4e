from __future__ import annotations

import io
import math
from types import SimpleNamespace

import pytest

from hydra_core.base import telling
from hydra_core.base.telling import teller
from hydra_core.models.schedule import average_decay, rate_at
from hydra_core.models.spec import Epoch
from hydra_core.models.telling import epoch_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def point(number: int, *, judged: bool = True) -> Epoch:
    return Epoch(
        epoch=number,
        images=32,
        loss=0.25,
        validation_loss=0.5 if judged else None,
        validation_accuracy=0.75 if judged else None,
        validation_macro_f1=0.7 if judged else None,
    )


def test_the_learning_rate_warms_up_and_ends_near_zero() -> None:
    rates = [rate_at(k, 100, 1.0) for k in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates.index(max(rates)) in range(8, 12)
    assert rates[-1] < 0.001
    assert all(math.isfinite(r) and r > 0 for r in rates)


def test_the_average_forgets_the_first_weights_soon_and_then_keeps_its_span() -> None:
    decays = [average_decay(step, 50) for step in range(1000)]
    assert decays == sorted(decays)
    assert decays[0] <= 0.1
    assert decays[-1] == pytest.approx(0.98)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "done"), (30, "about 30 s left"), (120, "about 2 min left"), (7200, "about 2.0 h left")],
)
def test_a_line_tells_epoch_loss_result_and_time_left(seconds: float, told: str) -> None:
    line = epoch_line(point(3), 24, seconds)
    assert line == f"epoch 3/24  {told}  loss 0.2500  validation accuracy 0.750, loss 0.500"
    assert "no validation runs" in epoch_line(point(3, judged=False), 24, seconds)


def test_on_a_terminal_an_epoch_replaces_the_one_before() -> None:
    out = Terminal()
    tell = teller(out)
    for line in ("train: 3 images", "epoch 1/2  loss 2", "epoch 2/2  loss 1", "test: fine"):
        tell(line)
    assert out.getvalue() == "train: 3 images\nepoch 1/2  loss 2\r\x1b[Kepoch 2/2  loss 1\ntest: fine\n"


def test_in_a_log_every_line_stands_for_itself() -> None:
    out = io.StringIO()
    tell = teller(out)
    for line in ("epoch 1/2  loss 2", "epoch 2/2  loss 1"):
        tell(line)
    assert out.getvalue() == "epoch 1/2  loss 2\nepoch 2/2  loss 1\n"


def test_a_renewed_line_keeps_to_one_row_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    tell = teller(out, before=lambda: "[  12.0 s] ")
    tell(epoch_line(point(3), 24, 30))
    tell("test: " + "fine " * 20)
    renewed, plain = out.getvalue().splitlines()
    assert renewed == "[  12.0 s] epoch 3/24  about 30 s left "
    assert plain.endswith("fine ")


def test_a_plain_log_tells_one_epoch_in_five_the_first_and_the_last() -> None:
    out = io.StringIO()
    tell = teller(out, plain_every=5)
    for number in range(1, 13):
        tell(f"epoch {number}/40  loss 1")
    tell("no progress: stopped early")
    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["1/40", "5/40", "10/40", "12/40", "progress:"]


def test_a_plain_log_is_not_silent_for_long_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    out, now = io.StringIO(), iter(range(0, 10_000, 60))
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=lambda: next(now)))
    tell = teller(out, plain_every=5)
    for number in range(1, 4):
        tell(f"epoch {number}/40  loss 1")
    assert len(out.getvalue().splitlines()) == 3
