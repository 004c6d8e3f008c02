"""The class maps of the datasets that come with the program. A user's file has the same keys."""

from seamline.run_folder import ClassMap

ALL_OTHERS = "*"
"""The key of `ClassMap.merged` that stands for all classes that are not named."""

_FACADES = ClassMap(
    classes={name: name for name in ("other", "facade", "pillar", "window", "balcony")},
    merged={"door": "other", "shop": "other", "vegetation": "other", "vehicle": "other"},
)

CLASS_MAPS: dict[str, ClassMap] = {
    "facades": _FACADES,
    "cmp-facades": _FACADES,
    "synthetic-facades": _FACADES,
    "streets": ClassMap(
        classes={
            "background": "other",  # what no polygon covers: sky, and what is not labeled
            "facade": "facade",
            "shop": "shop",
            "balcony-fence": "balcony",
            "window": "window",
            "vegetation": "vegetation",
            "car": "vehicle",
            "fence": "other",
            "street": "other",
            "non-building-infrastructure": "other",
            "traffic-infrastructure": "other",
        },
        order=("facade", "shop", "balcony-fence", "window"),
        merged={"pillar": "facade", "door": "facade"},
        palette={
            "other": (0, 0, 0),
            "facade": (0, 128, 255),
            "window": (255, 128, 0),
            "balcony": (255, 0, 0),
            "shop": (255, 0, 255),
            "vegetation": (0, 160, 0),
            "vehicle": (255, 255, 0),
        },
    ),
    "windows": ClassMap(
        # what no box covers is other too: else windows that are near one another grow together
        classes=dict.fromkeys(("background", "signboard", "cantilever", "win_ad"), "other") | {"window": "window"},
        ignore=("door", "arch"),  # some have panes
        order=("door", "arch", "window"),
        merged={ALL_OTHERS: "other"},  # what is no window may be anything else
        palette={"other": (0, 0, 0), "window": (255, 128, 0)},
        boxes=True,
    ),
}
"""The maps of datasets by name. Each names all classes of its dataset."""
