import io

import pytest
from rich.console import Console

from seamline.progress import Reporter
from seamline.run_folder import Epoch
from seamline.training.loop import StepStats

RECORD = Epoch(
    epoch=2,
    train_loss=0.5,
    train_accuracy=0.81,
    val_loss=0.4,
    val_accuracy=0.856,
    learning_rate=1e-3,
    samples=54_000,
    train_seconds=4.0,
)


def teller(*, terminal: bool) -> tuple[Reporter, io.StringIO]:
    told, out = Reporter(), io.StringIO()
    told.console = Console(file=out, force_terminal=terminal, width=120, highlight=False)
    return told, out


def test_a_bar_on_a_terminal_shows_loss_accuracy_rate_and_time_left() -> None:
    told, out = teller(terminal=True)
    with told.training(5) as show:
        for done in (10, 20, 30):
            show(
                StepStats(
                    epoch=2, done=done, steps=53, before=53, total=265, samples=1024 * done, loss=0.4321, accuracy=0.876
                )
            )
    for part in ("epoch 1.6/5", "loss 0.432", "accuracy 87.6%", "images/s", ":"):
        assert part in out.getvalue()


def test_there_is_no_bar_where_the_output_is_no_terminal() -> None:
    told, out = teller(terminal=False)
    with told.training(5) as show:
        show(StepStats(epoch=2, done=10, steps=53, before=53, total=265, samples=1024, loss=0.4321, accuracy=0.876))
    assert out.getvalue() == ""
    told.epoch(RECORD, 5)
    assert out.getvalue() == (
        "epoch   2/5  training: loss 0.500, accuracy 81.0%  validation: loss 0.400, accuracy 85.6%  13,500 images/s\n"
    )


def test_a_training_ends_at_a_fraction_of_an_epoch() -> None:
    told, out = teller(terminal=False)
    told.epoch(RECORD, 1.3)
    assert out.getvalue().startswith("epoch 1.3/1.3  training: ")
    told, out = teller(terminal=True)
    with told.training(1.3) as show:
        show(StepStats(epoch=2, done=30, steps=30, before=100, total=130, samples=960, loss=0.4, accuracy=0.9))
    assert "epoch 1.3/1.3 " in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_downloads_are_told_once_a_file(terminal: bool) -> None:
    told, out = teller(terminal=terminal)
    with told.downloading() as show:
        total: int | None
        for done, total in ((0, None), (5_000_000, 10_000_000), (10_000_000, 10_000_000)):
            show("images.gz", done, total)
    assert "images.gz" in out.getvalue()
    if not terminal:
        assert out.getvalue() == "fetching images.gz\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = Reporter(quiet=True)
    told.say("hello")
    told.epoch(RECORD, 5)
    with told.training(2) as show:
        show(StepStats(epoch=1, done=1, steps=2, before=0, total=4, samples=3, loss=1.0, accuracy=0.5))
    assert capsys.readouterr() == ("", "")
