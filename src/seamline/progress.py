"""Progress reports: bars in terminals and notebooks, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn


class Reporter:
    """Reports progress on stderr, so that stdout stays for results; in a notebook, below the cell.

    Args:
        quiet: report nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    @property
    def draws_bars(self) -> bool:
        """Whether bars are shown: in a terminal or notebook."""
        return (self.console.is_terminal or self.console.is_jupyter) and not self.console.quiet

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False)

    @contextmanager
    def training(self, epochs: float) -> Iterator[Callable[[Any], None]]:
        """Show a bar over all epochs; yields a function to call with each `StepStats`."""
        columns = (
            TextColumn("epoch {task.fields[epoch]:.1f}/{task.fields[epochs]:g}"),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeRemainingColumn(compact=True),
        )
        with self._progress(*columns) as bar:
            task: TaskID | None = None

            def show(step: Any) -> None:
                nonlocal task
                if task is None:
                    fields = {"epoch": 0.0, "epochs": epochs, "loss": step.loss, "accuracy": 0.0, "rate": 0.0}
                    task = bar.add_task("", total=step.total, completed=step.before, **fields)
                speed = bar.tasks[0].speed or 0.0
                rate = speed * step.samples / step.done
                bar.update(task, completed=step.before + step.done)
                epoch = epochs * (step.before + step.done) / step.total
                bar.update(task, epoch=epoch, loss=step.loss, accuracy=step.accuracy, rate=rate)

            yield show

    def epoch(self, epoch: Any, epochs: float) -> None:
        """Report a finished epoch in a line.

        Args:
            epoch: a `run_folder.Epoch`.
            epochs: number of epochs.
        """
        self.say(
            f"epoch {min(epoch.epoch, epochs):>3g}/{epochs:g}  "
            f"training: loss {epoch.train_loss:.3f}, accuracy {epoch.train_accuracy:.1%}  "
            f"validation: loss {epoch.val_loss:.3f}, accuracy {epoch.val_accuracy:.1%}  "
            f"{epoch.samples / epoch.train_seconds:,.0f} images/s"
        )

    @contextmanager
    def downloading(self) -> Iterator[Callable[[str, int, int | None], None]]:
        """Show a bar per download; yields a function to call with file name, bytes done and bytes in all."""
        columns = (DownloadColumn(), SpeedColumn(), TimeRemainingColumn())
        with self._bars("fetching {}", TextColumn("{task.description}"), BarColumn(), *columns) as show:
            yield show

    @contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar; yields a function to call with steps done and steps in all."""
        columns = (TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn(compact=True))
        with self._bars("{}", TextColumn("{task.description}"), BarColumn(), *columns) as show:
            yield partial(show, what)

    @contextmanager
    def adding(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar over `total` steps; yields a function to call with the number of steps just done."""
        with self.counting(what) as show:
            done = 0
            show(done, total)

            def add(steps: int) -> None:
                nonlocal done
                done += steps
                show(done, total)

            yield add

    @contextmanager
    def photos(self) -> Iterator[Callable[[float, int, str], None]]:
        """Show a bar over photos; yields a function to call with photos done, photos in all and a file name."""
        columns = (
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} photos"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[file]}"),
        )
        with self._bars("", *columns) as show:
            yield lambda done, total, file: show("", done, total, file=escape(file))

    @contextmanager
    def _bars(self, announcement: str, *columns: ProgressColumn) -> Iterator[Callable[..., None]]:
        """Show a bar for each name; yields a function to call with name, steps done, steps in all and fields.

        Where no bars are drawn, the announcement of each name is a line.
        """
        with self._progress(*columns) as bar:
            tasks: dict[str, TaskID] = {}

            def show(name: str, done: float, total: float | None, **fields: Any) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name, total=total, **fields)
                    if announcement and not self.draws_bars:
                        self.say(announcement.format(name))
                bar.update(tasks[name], completed=done, total=total, **fields)

            yield show

    @contextmanager
    def _progress(self, *columns: ProgressColumn) -> Iterator[Progress]:
        """Show a bar that is removed at the end; without a terminal or notebook it only counts."""
        bar = Progress(*columns, console=self.console, transient=True)
        if self.draws_bars:
            with bar:
                yield bar
        else:
            yield bar


def default_reporter() -> Reporter:
    """Return what reports progress unless a caller says otherwise: bars in a notebook, nothing elsewhere."""
    reporter = Reporter()
    return reporter if reporter.console.is_jupyter else Reporter(quiet=True)


def result(text: str) -> None:
    """Print a result on stdout."""
    sys.stdout.write(text + "\n")
