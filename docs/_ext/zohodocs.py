"""What the documentation needs beyond Sphinx: tables from the code, the commands' help as a page, and links to names.

The tables are made from the code, so that they cannot differ from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from requests_zohorecruit import Region
from requests_zohorecruit.cli.app import COMMANDS, EXIT_CODES
from requests_zohorecruit.sandbox.served import ALIASES, MODULES, ROUTES

__all__ = ["CommandTable", "ExitCodes", "RegionTable", "SandboxModules", "SandboxPaths", "setup"]

Cell = str | tuple[str, ...] | list[str] | nodes.reference
"""Text, lines of code, words of code in one line, or a link."""

_CODE = re.compile(r"(?<![\w`.-])(--?[a-z][\w-]*|(?:\w+=)?@(?:[\w.-]*\w|-)|(?:\.{3}_|/)\w[\w/?=]*|[A-Z]+_[A-Z_]+)")
"""What is code in a command's help: an option, a file's name behind @, a variable's name or its end, a path."""


class _Table(Directive):
    """A table that is made from the code."""

    HEADINGS: tuple[str, ...]
    CLASS: str

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        group = nodes.tgroup("", cols=len(self.HEADINGS))
        group += [nodes.colspec(colwidth=1) for _ in self.HEADINGS]
        group += nodes.thead("", _table_row(self.HEADINGS))
        group += nodes.tbody("", *map(_table_row, self.rows()))
        return [nodes.table("", group, classes=[self.CLASS])]

    def rows(self) -> list[list[Cell]]:
        """Return the cells of each row."""
        raise NotImplementedError


class RegionTable(_Table):
    """`.. zoho-regions::`, the table of `Region.all()`, with the other names each region is known by."""

    HEADINGS = ("Code", "Also", "Accounts, API domain", "Recruit, uploads")
    CLASS = "regions"

    def rows(self) -> list[list[Cell]]:
        """Return a row for each region."""
        return [_row(region) for region in Region.all()]


class CommandTable(_Table):
    """`.. zoho-commands::`, every command with the line that says what it is for."""

    HEADINGS = ("Command", "Purpose")
    CLASS = "commands"

    def rows(self) -> list[list[Cell]]:
        """Return a row for each command, which leads to its section."""
        links = (nodes.reference("", "", nodes.literal(text=name), refid=f"zohorecruit-{name}") for name in COMMANDS)
        return [[link, line] for link, line in zip(links, COMMANDS.values(), strict=True)]


class ExitCodes(_Table):
    """`.. zoho-exit-codes::`, what the exit codes mean."""

    HEADINGS = ("Code", "Meaning")
    CLASS = "exit-codes"

    def rows(self) -> list[list[Cell]]:
        """Return a row for each code."""
        return [[(str(code),), meaning] for code, meaning in EXIT_CODES.items()]


class SandboxPaths(_Table):
    """`.. zoho-sandbox-paths::`, every path of Recruit that the sandbox has, with every parameter."""

    HEADINGS = ("Method and path", "Purpose", "Query parameters and headers")
    CLASS = "sandbox-paths"

    def rows(self) -> list[list[Cell]]:
        """Return a row for each path and method."""
        return [
            [
                (f"{route.method} {route.path}",),
                route.does,
                [*route.parameters, *([route.header] if route.header else ())],
            ]
            for route in ROUTES
        ]


class SandboxModules(_Table):
    """`.. zoho-sandbox-modules::`, every module of the sandbox, with the fields that a new record must have."""

    HEADINGS = ("Module", "Also", "A record must have")
    CLASS = "sandbox-modules"

    def rows(self) -> list[list[Cell]]:
        """Return a row for each module."""
        also = {module: tuple(alias for alias, name in ALIASES.items() if name == module) for module in MODULES}
        return [[(module,), also[module], [*required]] for module, required in MODULES.items()]


def _row(region: Region) -> list[Cell]:
    """Return the lines of each cell. Two hosts share one, because four columns of them are too wide for a page."""
    pairs = (region.accounts_url, region.api_domain), (region.recruit_url, region.upload_url)
    return [(region.code,), _aliases(region), *(tuple(url.removeprefix("https://") for url in pair) for pair in pairs)]


def _aliases(region: Region) -> tuple[str, ...]:
    from requests_zohorecruit.zoho import regions  # noqa: PLC0415 - its table of aliases is private

    return next(aliases for code, aliases, *_ in regions._ROWS if code == region.code)  # noqa: SLF001 - see above


def _table_row(cells: Iterable[Cell]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *_make_paragraphs(cell)) for cell in cells))


def _make_paragraphs(cell: Cell) -> list[nodes.paragraph]:
    if isinstance(cell, str):
        return [nodes.paragraph("", cell)]
    if isinstance(cell, nodes.reference):
        return [nodes.paragraph("", "", cell)]
    if isinstance(cell, tuple):
        return [nodes.paragraph("", "", nodes.literal(text=line)) for line in cell]
    words = [part for word in cell for part in (nodes.literal(text=word), nodes.Text(" "))]
    return [nodes.paragraph("", "", *words)]


def _mark_code(app: Sphinx, context: Any, lines: list[str]) -> None:  # noqa: ARG001 - the event's arguments
    """Set code in a command's help as code: else two hyphens became a dash."""
    lines[:] = [line if line.startswith(".. ") else _CODE.sub(r"``\1``", line) for line in lines]


def _show_examples(app: Sphinx, context: Any, lines: list[str]) -> None:  # noqa: ARG001 - see above
    """Set a command's examples as code. The exit codes below the help of all commands have a table of their own."""
    examples = [line.removeprefix("|").strip() for line in lines if line.startswith("|   ")]
    lines.clear()
    if examples:
        lines += [".. rubric:: Examples", "", ".. code-block:: text", "", *(f"    {line}" for line in examples), ""]


def _drop(app: Sphinx, context: Any, lines: list[str]) -> None:  # noqa: ARG001 - see above
    """Leave out what only repeats the usage, or stands above once for all commands."""
    lines.clear()


def _link(app: Sphinx, env: Any, node: Any, content: Any) -> nodes.reference | None:
    """Resolve a name by where it is documented, whatever module it is defined in."""
    if node.get("refdomain") != "py" or node.get("refspecific"):
        return None
    wanted = node["reftarget"].removeprefix("requests_zohorecruit.")
    domain = env.get_domain("py")
    tails = (wanted, ".".join(wanted.split(".")[-2:]), wanted.rpartition(".")[2])
    for tail in dict.fromkeys(tails):
        found = {
            name: entry
            for name, entry in domain.objects.items()
            if not entry.aliased and f".{name}".endswith(f".{tail}")
        }
        if len(found) == 1:
            ((name, entry),) = found.items()
            return domain_reference(app, entry, name, node, content)
    return None


def domain_reference(app: Sphinx, entry: Any, name: str, node: Any, content: Any) -> nodes.reference:
    """Return the link to a documented name."""
    from sphinx.util.nodes import make_refnode  # noqa: PLC0415 - next to its only use

    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, [content], name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.setup_extension("sphinx_click")
    app.add_event(
        "sphinx-click-process-envars"
    )  # its own spelling, under which it emits the event and has not added it
    for part, process in (
        ("description", _mark_code),
        ("options", _mark_code),
        ("epilog", _show_examples),
        ("arguments", _drop),
        ("envars", _drop),
    ):
        app.connect(f"sphinx-click-process-{part}", process)
    app.add_directive("zoho-commands", CommandTable)
    app.add_directive("zoho-exit-codes", ExitCodes)
    app.add_directive("zoho-regions", RegionTable)
    app.add_directive("zoho-sandbox-paths", SandboxPaths)
    app.add_directive("zoho-sandbox-modules", SandboxModules)
    app.connect("missing-reference", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
