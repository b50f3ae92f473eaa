"""Applies a query to a list of records: filters, sorts, selects fields, and paginates.

Pure functions over records and query fields. Knows nothing about modules or access rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from requests_zohorecruit.sandbox.messages import Answer, json_answer, make_invalid, make_missing, make_refusal

__all__ = ["keep_changed", "keep_states", "paginate", "search", "select_fields", "sort"]

Record = dict[str, Any]
_MOST_PER_PAGE = 200
_MOST_CRITERIA = 10
_STATES = {
    "converted": {"false": True, "both": True, "true": False},
    "approved": {"true": True, "both": True, "false": False},
    "state": {"save": True, "draft": False},
    "$state": {"save": True, "draft": False},
}
"""Whether a value matches the records, all of which are saved, approved and not converted."""

_CONDITION = r"\(([\w$]+):(\w+):((?:\\.|[^\\()])*)\)"


def paginate(records: list[Record], query: Mapping[str, str]) -> Answer:
    """Return a page, or 204 without a body if it is empty.

    :raises Refused: a number is out of range
    """
    page, per_page = query.get("page", "1"), query.get("per_page", str(_MOST_PER_PAGE))
    numbers = all(re.fullmatch("[0-9]{1,9}", text) for text in (page, per_page))
    if not numbers or int(page) < 1 or not 1 <= int(per_page) <= _MOST_PER_PAGE:
        raise make_invalid(f"page starts at 1, per_page is at most {_MOST_PER_PAGE}")
    start, size = (int(page) - 1) * int(per_page), int(per_page)
    shown = records[start : start + size]
    if not shown:
        return Answer(204)
    info = {"per_page": size, "count": len(shown), "page": int(page), "more_records": len(records) > start + size}
    return json_answer({"data": shown, "info": info})


def keep_states(records: list[Record], query: Mapping[str, str]) -> list[Record]:
    """Filter by ``converted``, ``approved`` and ``state``, which match all records or none.

    :raises Refused: a value is not supported
    """
    for name, values in _STATES.items():
        if query.get(name, next(iter(values))) not in values:
            raise make_invalid(f"{name} is one of {', '.join(values)}")
    return records if all(values[query.get(name, next(iter(values)))] for name, values in _STATES.items()) else []


def keep_changed(records: list[Record], since: str | None, field: str) -> list[Record]:
    """Keep the records that changed after the time in ``If-Modified-Since``.

    :param field: the field with the time of the last change
    :raises Refused: `since` is not an ISO 8601 time with an offset
    """
    if since is None:
        return records
    try:
        moment = datetime.fromisoformat(since.replace("Z", "+00:00"))
        return [record for record in records if datetime.fromisoformat(record[field]) > moment]
    except (ValueError, TypeError):  # TypeError: there is no offset
        raise make_invalid("If-Modified-Since is a time such as 2019-07-25T15:26:49+05:30") from None


def sort(records: list[Record], query: Mapping[str, str]) -> list[Record]:
    """Return the records in order: numbers before text, and missing values last.

    :raises Refused: the order is neither ``asc`` nor ``desc``
    """
    order, name = query.get("sort_order", "asc"), query.get("sort_by", "id")
    if order not in {"asc", "desc"}:
        raise make_invalid("sort_order is asc or desc")
    present = [record for record in records if record.get(name) is not None]
    absent = [record for record in records if record.get(name) is None]
    return sorted(present, key=lambda record: _rank(record[name]), reverse=order == "desc") + absent


def select_fields(records: list[Record], query: Mapping[str, str]) -> list[Record]:
    """Return the requested fields and the id. A missing field is null."""
    if "fields" not in query:
        return records
    names = [name.strip() for name in query["fields"].split(",")]
    return [{"id": record["id"], **{name: record.get(name) for name in names}} for record in records]


def search(records: list[Record], query: Mapping[str, str]) -> list[Record]:
    """Return the matching records. Of several search parameters, Zoho uses the first in this order.

    :raises Refused: there is no search parameter, or the sandbox does not support the criteria
    """
    if criteria := query.get("criteria"):
        return _search_by_criteria(records, criteria)
    if email := query.get("email"):
        return [record for record in records if email.lower() in _list_values(record, "Email")]
    if phone := query.get("phone"):
        digits = re.sub(r"\D", "", phone)
        numbers = ("Phone", "Mobile", "Contact_Number")
        return [
            record
            for record in records
            if any(digits == re.sub(r"\D", "", value) for name in numbers for value in _list_values(record, name))
        ]
    if word := query.get("word"):
        return [record for record in records if any(word.lower() in value for value in _list_values(record, ""))]
    raise make_refusal(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {})


def _search_by_criteria(records: list[Record], criteria: str) -> list[Record]:
    inner = criteria[1:-1] if criteria.startswith("((") and criteria.endswith("))") else criteria
    if not re.fullmatch(f"{_CONDITION}((and|or){_CONDITION})*", inner):
        raise make_missing(
            "criteria other than ((field:equals:value)and(field:starts_with:value)), or the same with or"
        )
    links = set(re.findall(r"\)(and|or)\(", inner))
    conditions = re.findall(_CONDITION, inner)
    if len(links) > 1:
        raise make_missing("criteria with and beside or")
    if len(conditions) > _MOST_CRITERIA:
        raise make_invalid(f"at most {_MOST_CRITERIA} criteria are allowed")
    if unknown := {operator for _, operator, _ in conditions} - {"equals", "starts_with"}:
        raise make_missing(f"the operator {min(unknown)}")
    combine = any if links == {"or"} else all
    return [record for record in records if combine(_meets(record, condition) for condition in conditions)]


def _meets(record: Record, condition: tuple[str, str, str]) -> bool:
    name, operator, value = condition
    found, wanted = _show(record.get(name)), re.sub(r"\\(.)", r"\1", value).lower()
    return found == wanted if operator == "equals" else found.startswith(wanted)


def _list_values(record: Record, name: str) -> Iterable[str]:
    return [_show(value) for key, value in record.items() if name in key]


def _show(value: Any) -> str:
    """Return a value as text for searching: of a lookup field, the name of the record."""
    shown = value.get("name") if isinstance(value, dict) else value
    return "" if shown is None else str(shown).lower()


def _rank(value: Any) -> tuple[int, float, str]:
    return (0, value, "") if isinstance(value, (int, float)) else (1, 0, _show(value))
