"""Write every page of docs/measurements again from the stored results.

    python bench/pages.py

Takes ten seconds: nothing is measured. Run it after a change of the text around the numbers.
"""

import active_learning
import benchmarks_page
import buildings_page
import cluster_cost
import inference_page
import invalid_input_page
import large_sets
import near_duplicates
import reliability_page
import results
import streets
import streets_ablation
import uncertainty
from results_store import read_results, write_page

PAGES = {
    "benchmarks": benchmarks_page.page,
    "buildings": buildings_page.page,
    "cluster-cost": cluster_cost.page,
    "correcting": active_learning.page,
    "export": inference_page.page,
    "input-validation": invalid_input_page.page,
    "large-sets": large_sets.page,
    "near-duplicates": near_duplicates.page,
    "reliability": reliability_page.page,
    "results": results.page,
    "streets": streets.page,
    "streets-ablation": streets_ablation.page,
    "uncertainty": uncertainty.page,
}
"""Name of the page and of its stored results -> the function that writes its text."""


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        write_page(name, page(read_results(name)))


if __name__ == "__main__":
    main()
