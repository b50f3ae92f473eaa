"""How the documentation is built: `sphinx-build -W -n docs <directory>`, without a network."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "requests-zohorecruit"
author = "The requests_zohorecruit maintainers"
copyright = author
release = version = version_of(project)

extensions = ["sphinx.ext.autodoc", "zohodocs"]
if find_spec("sphinx_copybutton"):  # a convenience: without it the pages are the same, but for the buttons
    extensions.append("sphinx_copybutton")
copybutton_prompt_text = "$ "
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["zoho.css"]
html_copy_source = False
html_show_copyright = False

# Docstrings name code in single backticks: a link where the name is public, plain code where it is not.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    # Nothing is looked up in other projects' inventories, because that takes a network.
    ("py:(class|exc)", r"(requests|responses|redis|sqlalchemy|sa|oauthlib|requests_oauthlib)\..*"),
    ("py:(class|exc)", r"(collections|contextlib|typing|types|pathlib|os|pytest|keyring)\..*"),
    ("py:exc", r"(TypeError|ValueError|TimeoutError)"),
    ("py:class", r"(Self|Arrival|Redis|RedisCluster|requests_zohorecruit\.session\.compliance_fix\._Session)"),
]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
