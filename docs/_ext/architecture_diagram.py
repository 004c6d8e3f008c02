"""Draw docs/images/architecture.svg: the packages in their layers, an arrow for each import of one by another.

    python docs/_ext/architecture_diagram.py

Layers are those of tests/test_layers.py, imports those of the source. Arrows that follow from others are left out.
The same sources give the same file.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "seamline"
FILE = ROOT / "docs" / "images" / "architecture.svg"

Layers = tuple[tuple[str, ...], ...]
Edge = tuple[str, str]

COLUMNS = {"training": 0, "inference": 2, "cluster": 0, "serve": 2, "export": 2}
"""Column of a package: 0 left, 1 middle (if not listed), 2 right."""
EXTERNAL = ("__main__", "__init__")
COLUMN_X = (150, 380, 610)
WIDTH, BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT, MARGIN = 760, 150, 40, 78, 20
LANES = (265, 495, 40, 720)
"""Horizontal positions of arrows that pass a row: between the columns, then at the sides."""

STYLE = """
    svg { --box: #f3f4f6; --line: #6b7280; --text: #1f2937; max-width: 100%; height: auto; }
    @media (prefers-color-scheme: dark) { svg { --box: #23272f; --line: #9ca3af; --text: #e5e7eb; } }
    rect { fill: var(--pst-color-surface, var(--box)); stroke: var(--pst-color-text-muted, var(--line)); }
    text { fill: var(--pst-color-text-base, var(--text)); font: 15px system-ui, sans-serif; text-anchor: middle; }
    path { fill: none; stroke: var(--pst-color-text-muted, var(--line)); stroke-width: 1.4; }
    .head { fill: var(--pst-color-text-muted, var(--line)); stroke: none; }
"""


def layers() -> Layers:
    """Return the layers of tests/test_layers.py, the lowest first, without the entry points."""
    tree = ast.parse((ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "LAYERS"
    ]
    found: Layers = ast.literal_eval(values[0]) if values and values[0] else ()
    there = {path.stem for path in SOURCE.iterdir()}
    return tuple(tuple(name for name in layer if name in there) for layer in found if not set(layer) & set(EXTERNAL))


def imports() -> set[Edge]:
    """Return which package or module of `seamline` imports which."""
    edges: set[Edge] = set()
    for file in SOURCE.rglob("*.py"):
        package = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        edges |= {(package, target) for node in ast.walk(tree) for target in _targets(node) if target != package}
    return edges


def _targets(node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module == "seamline":
        names = [f"seamline.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module]
    yield from (name.split(".")[1] for name in names if name.startswith("seamline."))


def shown(edges: set[Edge], levels: Layers) -> list[Edge]:
    """Return the edges between the boxes of a diagram that do not follow from others.

    The lowest layer is one box, named by its first module.
    """
    box = {name: layer[0] if index == 0 else name for index, layer in enumerate(levels) for name in layer}
    level = {name: index for index, layer in enumerate(levels) for name in layer}
    known = {(box[a], box[b]) for a, b in edges if a in box and b in box and box[a] != box[b]}
    down = {(a, b) for a, b in known if level[a] > level[b]}
    return sorted((a, b) for a, b in down if not _reaches(down - {(a, b)}, a, b))


def _reaches(edges: set[Edge], start: str, end: str) -> bool:
    front, seen = {start}, set[str]()
    while front:
        seen |= front
        front = {b for a, b in edges if a in front} - seen
    return end in seen


def draw() -> str:
    """Return the diagram."""
    levels = layers()
    rows = len(levels)
    height = 2 * MARGIN + rows * ROW_HEIGHT - (ROW_HEIGHT - BOX_HEIGHT)
    centers: dict[str, tuple[int, int]] = {}
    parts = []
    for index, layer in enumerate(levels):
        y = height - MARGIN - BOX_HEIGHT - index * ROW_HEIGHT
        names = layer[:1] if index == 0 else layer
        for position, name in enumerate(names):
            column = COLUMNS.get(name, 1 if len(names) == 1 else min(2 * position, 2))
            label, width = (", ".join(layer), 240) if index == 0 else (name, BOX_WIDTH)
            x = COLUMN_X[column]
            centers[name] = (x, y)
            parts.append(
                f'<rect x="{x - width // 2}" y="{y}" width="{width}" height="{BOX_HEIGHT}" rx="6"/>'
                f'<text x="{x}" y="{y + 26}">{label}</text>'
            )
    edges = shown(imports(), levels)
    arrows = [_arrow(edge, edges, centers) for edge in edges]
    style = "\n".join(line.rstrip() for line in STYLE.strip("\n").splitlines())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img"'
        f' aria-label="The packages of Seamline in layers; arrows are imports">\n'
        f"  <style>\n{style}\n  </style>\n" + "".join(f"  {part}\n" for part in (*arrows, *parts)) + "</svg>\n"
    )


def _arrow(edge: Edge, edges: list[Edge], centers: dict[str, tuple[int, int]]) -> str:
    """Return a line from the bottom of one box to the top of another, past the boxes between them."""
    (x1, y1), (x2, y2) = centers[edge[0]], centers[edge[1]]
    start = x1 + _offset(edge, [other for other in edges if other[0] == edge[0]], centers, 1)
    end = x2 + _offset(edge, [other for other in edges if other[1] == edge[1]], centers, 0)
    top, bottom = y1 + BOX_HEIGHT, y2 - 2
    between = [x for x, y in centers.values() if y1 < y < y2]
    points = [(start, top)]
    if between:
        lane = _lane(start, end, between) + 7 * (edges.index(edge) % 5 - 2)
        points += [(lane, top + 26), (lane, bottom - 26)]
    points.append((end, bottom))
    head = f"M{end - 4} {bottom - 7}L{end} {bottom}L{end + 4} {bottom - 7}Z"
    return f'<path d="{_curve(points)}"/><path class="head" d="{head}"/>'


def _offset(edge: Edge, siblings: list[Edge], centers: dict[str, tuple[int, int]], side: int) -> int:
    """Return where on a box an arrow begins or ends, from its middle, in the order of the other ends."""
    ordered = sorted(siblings, key=lambda other: (centers[other[side]][0], other))
    return round((ordered.index(edge) - (len(ordered) - 1) / 2) * 24)


def _lane(start: int, end: int, between: list[int]) -> int:
    """Return the free horizontal position with the shortest way."""
    free = [x for x in (start, end, *LANES) if all(abs(x - other) > BOX_WIDTH / 2 + 12 for other in between)]
    return min(free, key=lambda x: (abs(x - start) + abs(x - end), x))


def _curve(points: list[tuple[int, int]]) -> str:
    """Return a path through points whose ends and turns are vertical."""
    text = f"M{points[0][0]} {points[0][1]}"
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) // 2
        text += f"L{x2} {y2}" if x1 == x2 else f"C{x1} {middle} {x2} {middle} {x2} {y2}"
    return text


def main() -> None:
    """Write the file."""
    FILE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
