"""The supported part of the Recruit API: modules, paths and parameters. The documentation shows these tables.

Defines what is served and with which scope, but not how. Anything not in these tables is answered with HTTP 501.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["ALIASES", "MODULES", "ROUTES", "Route", "is_allowed"]

MODULES: dict[str, tuple[str, ...]] = {
    "Candidates": ("Last_Name",),
    "JobOpenings": ("Posting_Title",),
    "Clients": ("Client_Name",),
    "Contacts": ("Last_Name",),
    "Interviews": ("Interview_Name",),
    "Notes": ("Note_Content", "Parent_Id", "se_module"),
}
"""API names, and the mandatory fields of a new record."""

ALIASES = {"Job_Openings": "JobOpenings"}
"""Other names of modules that Zoho's pages use."""

_PAGES = ("page", "per_page")
_STATES = ("converted", "approved")
_SINCE = "If-Modified-Since"
_DEEDS = {
    "GET": {"all", "read"},
    "POST": {"all", "write", "create"},
    "PUT": {"all", "write", "update"},
    "DELETE": {"all", "write", "delete"},
}
"""The operations of a scope that allow a method."""


@dataclass(frozen=True)
class Route:
    """A path with one method.

    :ivar path: after ``/recruit/v2/``
    :ivar does: description for people
    :ivar parameters: all known query parameters
    :ivar area: the part of Recruit that a scope must name; see `is_allowed`
    :ivar header: a request header that affects the response
    :ivar pattern: matches the path of a request
    :ivar loose_pattern: also matches one with ids that cannot be ids
    """

    method: str
    path: str
    does: str
    parameters: tuple[str, ...] = ()
    area: str = "modules"
    header: str | None = None
    pattern: re.Pattern[str] = field(init=False, repr=False)
    loose_pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = self.path.replace("{module}", f"(?P<module>{'|'.join([*MODULES, *ALIASES])})")
        for name, each in (("pattern", "[0-9]+"), ("loose_pattern", "[^/]+")):
            ids = re.sub(r"\{(\w+)\}", rf"(?P<\1>{each})", pattern)
            object.__setattr__(self, name, re.compile(f"/recruit/v2/{ids}/?"))


ROUTES: tuple[Route, ...] = (
    Route("GET", "users", "list users", ("type",), "users"),
    Route("GET", "users/{id}", "read a user", (), "users"),
    Route("GET", "org", "read the organisation", (), "org"),
    Route("GET", "settings/modules", "list modules", (), "settings"),
    Route(
        "GET",
        "{module}",
        "list records",
        ("fields", "sort_by", "sort_order", *_PAGES, *_STATES, "state", "$state"),
        header=_SINCE,
    ),
    Route("POST", "{module}", "add records"),
    Route("PUT", "{module}", "change records"),
    Route("DELETE", "{module}", "delete records", ("ids", "wf_trigger")),
    Route("GET", "{module}/deleted", "list deleted records", ("type", *_PAGES), header=_SINCE),
    Route("GET", "{module}/search", "search", ("criteria", "email", "phone", "word", *_PAGES, *_STATES)),
    Route("GET", "{module}/{id}", "read a record"),
    Route("PUT", "{module}/{id}", "change a record"),
    Route("DELETE", "{module}/{id}", "delete a record", ("wf_trigger",)),
    Route("GET", "{module}/{id}/Notes", "list notes", _PAGES),
    Route("POST", "{module}/{id}/Notes", "add notes"),
    Route("GET", "{module}/{id}/Attachments", "list files", _PAGES),
    Route("POST", "{module}/{id}/Attachments", "upload a file", ("attachments_category",)),
    Route("GET", "{module}/{id}/Attachments/{file}", "download a file", ("redirect",)),
    Route("DELETE", "{module}/{id}/Attachments/{file}", "delete a file"),
)


def is_allowed(scope: tuple[str, ...], route: Route, module: str) -> bool:
    """Return whether a scope covers a route. Comparison ignores case and plural (``modules.candidate.READ``)."""
    parts = {"", _singular(module or route.path.rpartition("/")[2])}
    if route.path.endswith("/Notes"):
        parts.add("note")
    granted = [item.lower().split(".") for item in scope]
    # Zoho's page on searching asks for this one as well.
    if route.path.endswith("/search") and ["zohosearch", "securesearch", "read"] not in granted:
        return False
    return any(
        item[:2] == ["zohorecruit", route.area]
        and _singular(".".join(item[2:-1])) in parts
        and item[-1] in _DEEDS[route.method]
        for item in granted
    )


def _singular(name: str) -> str:
    return name.lower().replace("_", "").rstrip("s")
