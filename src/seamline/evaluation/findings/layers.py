"""What the layers of a small classifier learned: linear probes of layer 1, and types of filters."""

from seamline.evaluation.confidence import newcombe, significant, wilson
from seamline.evaluation.filter_analysis import UNIFORM
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.text import count, percent, pluralize, points


def layer1_probe(inputs: FindingInputs) -> Claim | None:
    """State the accuracy of a linear probe of layer 1 beside those of the pixels and the whole network."""
    probes = {probe.name: probe for probe in inputs.probes.probes} if inputs.probes else {}
    if not {"pixels", "layer 1", "whole network"} <= probes.keys():
        return None
    layer, pixels, whole = (probes[name].accuracy for name in ("layer 1", "pixels", "whole network"))
    gain = newcombe(layer, pixels)
    beside = f"{points(gain)} more than a probe of the pixels"
    if significant(gain) <= 0:
        beside = f"a probe of the pixels reaches {percent(pixels)}"
    return Claim(
        f"A linear probe of layer 1 classifies {percent(layer)} of the validation images correctly, {beside}. "
        f"The whole network reaches {percent(whole)}.",
        {"layer_1": layer, "pixels": pixels, "whole": whole},
    )


def filter_types(inputs: FindingInputs) -> Claim | None:
    """State how many filters of each layer are edges, and how many nearly uniform."""
    if inputs.filters is None:
        return None
    sentences, values = [], {}
    for layer in inputs.filters.layers:
        types = layer.types
        counts = {
            "edges": sum(kind.endswith("edge") for kind in types),
            "lines_and_blobs": sum(kind.endswith("line") or kind == "blob" for kind in types),
            "nearly_uniform": types.count(UNIFORM),
        }
        clear = wilson(counts["edges"] + counts["lines_and_blobs"], len(types))
        fractions = {group: wilson(number, len(types)) for group, number in counts.items()}
        values[layer.name] = {"clear_shapes": clear, **fractions}
        sentences.append(
            f"In {layer.name}, {percent(clear)} of {count(len(types))} filters have a clear type: "
            f"{pluralize(counts['edges'], 'edge')}, "
            f"{pluralize(counts['lines_and_blobs'], 'line or blob', 'lines and blobs')}; "
            f"{count(counts['nearly_uniform'])} {'is' if counts['nearly_uniform'] == 1 else 'are'} nearly uniform."
        )
    rate = f"Of random filters, {100 * inputs.filters.null_rate:.0f} % would be assigned such a type."
    return Claim(f"{' '.join(sentences)} {rate}", values)
