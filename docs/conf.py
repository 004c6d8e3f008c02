"""Configuration of the documentation site; `make docs` builds it into build/docs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import seamline

project = "Seamline"
author = "The Seamline authors"
copyright = "The Seamline authors"
release = version = seamline.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "seamline_docs"]
exclude_patterns = ["_ext"]

nitpicky = True
nitpick_ignore_regex = [
    # other packages: their documentation would have to be downloaded for links to it
    (r"py:.*", r"(numpy|np|torch|PIL|pathlib|collections|typing|pandas|jinja2|msgspec|fastapi|starlette)\..*"),
    (r"py:.*", r"(NDArray|Path|Iterator|Sequence|Mapping|Callable|Image|Tensor)"),
    # types of arguments that are rarely needed
    (r"py:.*", r"(seamline\..*\.)?(Reporter|LoadOptions|Augmentation|DatasetPart|ImageRecord|Grouping|LayerChoices)"),
    (r"py:.*", r"(seamline\..*\.)?(ExportArguments|RunResult|Measure|Metric|EvaluatedRun|Replicates)"),
    (r"py:.*", r"(seamline\..*\.)?DatasetReport"),  # has a page of its own
    (r"py:.*", r"(array|optional|number|text)"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "Seamline"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
