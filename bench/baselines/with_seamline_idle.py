"""Seamline as its commands run it: as many threads as there are idle cores, which spin for a short time."""

from baselines.workload import run_contender
from seamline.threads import limit_spinning, measure_load, watch_load


def main() -> None:
    """Measure the load while PyTorch is imported, then train."""
    limit_spinning()
    watch_load()
    from baselines.with_seamline import train
    from seamline.models.devices import set_num_threads

    if load := measure_load():
        set_num_threads(load.threads)
    run_contender(train)


if __name__ == "__main__":
    main()
