import pytest
import torch

from seamline.errors import SeamlineError
from seamline.models.devices import describe_machine, find_device, set_num_threads, tune_malloc


def test_a_device_is_found_or_refused() -> None:
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(SeamlineError, match="--device toaster"):
        find_device("toaster")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_refused() -> None:
    with pytest.raises(SeamlineError, match="--device cuda: not available"):
        find_device("cuda")


def test_threads_are_set() -> None:
    before = torch.get_num_threads()
    try:
        assert set_num_threads(2) == torch.get_num_threads() == 2
        assert set_num_threads(None) == 2
    finally:
        torch.set_num_threads(before)
    with pytest.raises(SeamlineError, match="--threads 0"):
        set_num_threads(0)


def test_the_machine_has_a_name_and_memory_may_be_kept() -> None:
    assert "cores" in describe_machine(torch.device("cpu"))
    tune_malloc()
    assert torch.ones(1_000_000).sum() == 1_000_000
