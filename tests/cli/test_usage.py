"""What the command line answers to almost right options, in this process."""

import sys

import pytest

from seamline.__main__ import main
from seamline.data.registry import DATASETS


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("--set epochs 20", "--set epochs 20: write it as --set epochs=20"),
        ("--set epochs: 20", "--set epochs: 20: write it as --set epochs=20"),
        ("--set epochs = 20", "--set epochs 20: write it as --set epochs=20"),
        ("--set epochs= 20", "--set epochs= 20: write it as --set epochs=20"),
        ("--set epochs=20 lr=0.1", "lr=0.1: write it as --set lr=0.1"),
        ("--epoch 20", "--epoch: no such option; did you mean --epochs?"),
        ("--learning-rate 1", "--learning-rate: no such option; did you mean --lr?"),
        ("--optimizer adam", "--optimizer: no such option; did you mean --set optimizer=VALUE?"),
        ("--colour-jitter 1", "--colour-jitter: no such option; did you mean --set color_jitter=VALUE?"),
        ("--epochs", "Option '--epochs' requires an argument; see seamline --help"),
        ("--frobnicate", "--frobnicate: no such option; see seamline --help"),
        ("--epochs 3 --set epochs=4", "--epochs 3: --set epochs=4 is given too; keep one of them"),
        ("unexpected", f"unexpected: no such dataset or folder; the datasets are {', '.join(DATASETS)}"),
    ],
)
def test_the_right_form_is_named(
    words: str, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seamline", "train", "synthetic-fashion", *words.split()])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err == f"seamline: {answer}\n"
