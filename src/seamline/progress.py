"""What is said on the terminal while work goes on: bars where it is one, a line now and then where it is not."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn


class Reporter:
    """Tells a person how work goes, on stderr, so that stdout stays for results.

    Args:
        quiet: say nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Say one line."""
        self.console.print(text, markup=False)

    @contextmanager
    def training(self, epochs: float) -> Iterator[Callable[[Any], None]]:
        """Show a bar over all epochs; yields what to call with each `Step`."""
        columns = (
            TextColumn("epoch {task.fields[epoch]:>3}/{task.fields[epochs]}"),
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
                    fields = {"epoch": step.epoch, "epochs": epochs, "loss": step.loss, "accuracy": 0.0, "rate": 0.0}
                    task = bar.add_task("", total=step.total, completed=step.before, **fields)
                speed = bar.tasks[0].speed or 0.0
                rate = speed * step.images / step.done
                bar.update(task, completed=step.before + step.done)
                bar.update(task, epoch=step.epoch, loss=step.loss, accuracy=step.accuracy, rate=rate)

            yield show

    def epoch(self, record: dict[str, Any], epochs: float) -> None:
        """Say how an epoch went, in a line."""
        self.say(
            f"epoch {record['epoch']:>3}/{epochs}  "
            f"training: loss {record['train_loss']:.3f}, accuracy {record['train_accuracy']:.1%}  "
            f"validation: loss {record['val_loss']:.3f}, accuracy {record['val_accuracy']:.1%}  "
            f"{record['samples'] / record['train_seconds']:,.0f} images/s"
        )

    @contextmanager
    def downloading(self) -> Iterator[Callable[[str, int, int | None], None]]:
        """Show a bar for each file that is fetched; yields what to call with name, bytes done and bytes in all."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
        )
        with self._progress(*columns) as bar:
            tasks: dict[str, TaskID] = {}

            def show(name: str, done: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name, total=total)
                    if not self.console.is_terminal:
                        self.say(f"fetching {name}")
                bar.update(tasks[name], completed=done, total=total)

            yield show

    @contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar for work in steps; yields what to call with the steps done and the steps in all."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(compact=True),
        )
        with self._progress(*columns) as bar:
            tasks: list[TaskID] = []

            def show(done: int, total: int) -> None:
                if not tasks:
                    tasks.append(bar.add_task(what, total=total))
                    if not self.console.is_terminal:
                        self.say(what)
                bar.update(tasks[0], completed=done, total=total)

            yield show

    @contextmanager
    def photos(self) -> Iterator[Callable[[float, int, str], None]]:
        """Show a bar over photos; yields what to call with the number done, the number in all and a file's name."""
        columns = (
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} photos"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.description}"),
        )
        with self._progress(*columns) as bar:
            tasks: list[TaskID] = []

            def show(done: float, total: int, file: str) -> None:
                if not tasks:
                    tasks.append(bar.add_task(file, total=total))
                bar.update(tasks[0], completed=done, total=total, description=escape(file))

            yield show

    @contextmanager
    def _progress(self, *columns: Any) -> Iterator[Progress]:
        """Show a bar that leaves nothing behind; where there is no terminal it is only counted, never drawn."""
        bar = Progress(*columns, console=self.console, transient=True)
        if not self.console.is_terminal or self.console.quiet:
            yield bar
        else:
            with bar:
                yield bar


def result(text: str) -> None:
    """Print a result on stdout."""
    sys.stdout.write(text + "\n")
