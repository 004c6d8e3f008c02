"""Checkpoints come back as they went in, or not at all."""

import hashlib
import math
import os
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

import seamline
from seamline.errors import SeamlineError
from seamline.training.checkpoints import Checkpoints, pack, unpack

PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5)
NESTS = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 99), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(NESTS)
def test_any_nest_comes_back(nest: Any) -> None:
    assert unpack(pack({"tree": nest})) == {"tree": nest}


def test_tensors_come_back_with_type_and_bits() -> None:
    tensors = [
        torch.tensor(3),
        torch.tensor([math.nan, -0.0, math.inf]),
        torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.rand(3, 3, dtype=torch.float64).T,
        torch.arange(3, dtype=torch.uint8),
        torch.rand(2).to(torch.bfloat16),
        torch.zeros(0, 4),
    ]
    back = unpack(pack({"state": {0: {"a": tensors}}}))["state"][0]["a"]
    for one, other in zip(tensors, back, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_what_is_no_number_text_or_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold Posix"):
        pack({"folder": Path()})


def test_the_two_newest_are_kept_whatever_the_clock_says(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "checkpoint")
    assert kept.newest() == (None, [])
    for number in range(4):
        kept.save({"number": number})
        newest = kept.files()[0]
        os.utime(newest, (10**9 - number, 10**9 - number))  # each older than the one before, by its date
    (kept.folder / ".00000005-0.safetensors.abcdefgh.safetensors").write_bytes(b"half")
    kept.save({"number": 4})
    assert [unpack(file.read_bytes())["number"] for file in kept.files()] == [4, 3]
    assert sorted(kept.folder.iterdir()) == sorted(kept.files())
    kept.clear()
    assert not kept.folder.exists()


def test_a_damaged_file_is_noticed_and_the_one_before_is_used(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    kept.save({"number": 0, "weights": torch.arange(100)})
    kept.save({"number": 1, "weights": torch.arange(100)})
    newest, before = kept.files()
    content = bytearray(newest.read_bytes())
    content[-9] ^= 1  # one bit of a weight
    newest.write_bytes(content)
    found, damaged = kept.newest()
    assert found is not None
    assert unpack(found)["number"] == 0
    assert damaged == [newest]
    before.write_bytes(before.read_bytes()[:-1])
    with pytest.raises(SeamlineError, match="every checkpoint; start again with --overwrite"):
        kept.newest()


class Attack:
    """What a pickle can do: run a command when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("kind", ["pickle", "torch", "header", "other tensors"])
def test_a_malicious_file_is_refused_and_runs_nothing(tmp_path: Path, kind: str) -> None:
    trace, file = tmp_path / "trace", tmp_path / "made"
    if kind == "pickle":
        content = pickle.dumps(Attack(trace))
    elif kind == "torch":
        torch.save(Attack(trace), file)
        content = file.read_bytes()
    elif kind == "header":
        content = (1 << 62).to_bytes(8, "little") + b"{}"
    else:
        content = save({"a": torch.zeros(1)}, {"tree": '{"dict": [["a", {"tensor": "b"}]]}'})
    digest = hashlib.sha256(content).hexdigest()[:16]
    kept = Checkpoints(tmp_path / "checkpoint")
    kept.folder.mkdir()
    (kept.folder / f"00000001-{digest}.safetensors").write_bytes(content)
    found, _ = kept.newest()
    assert found == content
    with pytest.raises(SeamlineError, match="cannot be read"):
        unpack(found)
    assert not trace.exists()


def test_no_file_is_read_as_pickle() -> None:
    """Processes of a sweep get their request as one, from the process that starts them."""
    forbidden = re.compile(
        r"torch\.load|pickle(?!=False)|\bimport (shelve|marshal)|joblib|object_list|[^.]\beval\(|\bexec\("
    )
    for file in Path(seamline.__file__).parent.rglob("*.py"):
        found = [line for line in file.read_text(encoding="utf-8").splitlines() if forbidden.search(line)]
        if file.name == "sweep_jobs.py":
            found = [line for line in found if "load" in line and "sys.stdin.buffer" not in line]
        assert not found, file
