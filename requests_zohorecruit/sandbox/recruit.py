"""The Recruit API, version 2: authentication, authorization and routing.

Checks in this order: is the path served, who calls, may they, and is every parameter known.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from requests_zohorecruit.sandbox import queries
from requests_zohorecruit.sandbox.attachments import Attachments
from requests_zohorecruit.sandbox.grants import Grant, Holder
from requests_zohorecruit.sandbox.messages import Answer, Request, json_answer, make_invalid, make_missing, make_refusal
from requests_zohorecruit.sandbox.modules import Modules, Record
from requests_zohorecruit.sandbox.organisation import Organisation
from requests_zohorecruit.sandbox.registry import Person
from requests_zohorecruit.sandbox.served import ALIASES, ROUTES, Route, is_allowed

__all__ = ["Recruit"]

_FIRST_ID = 410_888_000_000_000_000
_NEXT_ORGANISATION = 1_000_000_000_000
_DELETED_TYPES = {"all": True, "recycle": True, "permanent": False}
"""Whether there are deleted records of this type: all of them are in the recycle bin."""


class Recruit:
    """An organisation with a dozen candidates and a few records of other modules, all fictitious.

    :param find_access: returns the grant of an access token, or None
    :param people: returns the people whose account is in this data centre
    :param timestamp: returns the current time in Recruit's format
    :param number: of the organisation, so that ids differ
    """

    def __init__(
        self,
        *,
        find_access: Callable[[str], Grant | None],
        people: Callable[[], list[Person]],
        timestamp: Callable[[], str],
        number: int,
    ) -> None:
        first_id = _FIRST_ID + number * _NEXT_ORGANISATION
        self._find_access = find_access
        self._modules = Modules(timestamp=timestamp, first_id=first_id + 117_000)
        self._organisation = Organisation(people, first_id + 26_000)
        self.attachments = Attachments(new_id=self._modules.make_id, timestamp=timestamp)

    def handle(self, request: Request) -> Answer:
        """Answer one call.

        :raises Refused: with the error to answer
        """
        route, parts = _find_route(request)
        module = parts.get("module", "")
        holder = self._let_in(request, route, module)
        for name in request.query_fields():
            if name not in route.parameters:
                raise make_missing(f"the parameter {name} of {route.method} /recruit/v2/{route.path}")
        if "module" not in parts:
            return self._answer_about_itself(request, route, holder, parts)
        if "id" in parts:
            return self._answer_record(request, route, holder, module, parts)
        return self._answer_module(request, route, holder, module)

    def _let_in(self, request: Request, route: Route, module: str) -> Holder:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        # Zoho-oauthtoken is the documented scheme, regardless of `token_type`; Bearer has been seen to work.
        if scheme.lower() not in {"zoho-oauthtoken", "bearer"}:
            raise make_refusal(401, "AUTHENTICATION_FAILURE", "Authentication failed")
        grant = self._find_access(token.strip())
        if grant is None:
            raise make_refusal(401, "INVALID_TOKEN", "invalid oauth token")
        if not is_allowed(grant.scope, route, module):
            raise make_refusal(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL", {})
        return grant.holder

    def _answer_about_itself(self, request: Request, route: Route, holder: Holder, parts: dict[str, str]) -> Answer:
        if route.area == "users":
            if "id" in parts:
                return self._organisation.answer_user(parts["id"])
            return self._organisation.answer_users(request.query_fields(), holder)
        return self._organisation.answer_organisation() if route.area == "org" else self._organisation.answer_modules()

    def _answer_module(self, request: Request, route: Route, holder: Holder, module: str) -> Answer:
        query, since = request.query_fields(), request.header("If-Modified-Since")
        if route.path.endswith("/search"):
            found = queries.search(queries.keep_states(self._modules.list_records(module), query), query)
            return queries.paginate(found, query)
        if route.path.endswith("/deleted"):
            if (kind := query.get("type", "all").lower()) not in _DELETED_TYPES:
                raise make_invalid("Invalid type param value given.")
            deleted = self._modules.list_deleted(module) if _DELETED_TYPES[kind] else []
            return queries.paginate(queries.keep_changed(deleted, since, "deleted_time"), query)
        if route.method == "GET":
            records = queries.keep_states(self._modules.list_records(module), query)
            records = queries.sort(queries.keep_changed(records, since, "Modified_Time"), query)
            return queries.paginate(queries.select_fields(records, query), query)
        if route.method == "DELETE":
            wanted = query.get("ids", "").split(",")
            return json_answer({"data": [self._delete(module, record_id, holder) for record_id in wanted]})
        records = _parse_records(request)
        if route.method == "POST":
            return _answer_created([self._modules.create(module, record) for record in records])
        changed = [self._modules.update(module, str(record.get("id")), record) for record in records]
        return json_answer({"data": changed})

    def _answer_record(
        self, request: Request, route: Route, holder: Holder, module: str, parts: dict[str, str]
    ) -> Answer:
        record_id = parts["id"]
        record = self._modules.find(module, record_id)
        if record is None:
            raise make_invalid("the id given seems to be invalid", {"id": record_id})
        if "Attachments" in route.path:
            return self.attachments.handle(request, (module, record_id), parts.get("file"))
        if route.path.endswith("/Notes"):
            return self._answer_notes(request, module, record_id)
        if route.method == "GET":
            return json_answer({"data": [record]})
        if route.method == "DELETE":
            return json_answer({"data": [self._delete(module, record_id, holder)]})
        return json_answer({"data": [self._modules.update(module, record_id, _parse_records(request)[0])]})

    def _answer_notes(self, request: Request, module: str, record_id: str) -> Answer:
        if request.method == "GET":
            return queries.paginate(self._modules.list_notes(module, record_id), request.query_fields())
        about = {"Parent_Id": record_id, "se_module": module}
        return _answer_created([self._modules.create("Notes", note | about) for note in _parse_records(request)])

    def _delete(self, module: str, record_id: str, holder: Holder) -> Record:
        user = self._organisation.find_user(holder)
        self.attachments.forget((module, record_id))
        return self._modules.delete(module, record_id, {"name": user["full_name"], "id": user["id"]})


def _find_route(request: Request) -> tuple[Route, dict[str, str]]:
    """Return the route for a path and method, and the parts of the path.

    :raises Refused: there is none; Zoho does not support PATCH at all
    """
    matching = [(route, found) for route in ROUTES if (found := route.pattern.fullmatch(request.path))]
    # Several paths may match, because /users could also be a module: the first one counts.
    of_path = [pair for pair in matching if pair[0].path == matching[0][0].path]
    parts = of_path[0][1].groupdict() if of_path else {}
    module = ALIASES.get(parts.get("module", ""), parts.get("module"))
    if not of_path:
        has_bad_id = any(route.loose_pattern.fullmatch(request.path) for route in ROUTES)
        raise make_missing(f"{request.path}{', and an id has only digits' if has_bad_id else ''}")
    for route, _ in of_path:
        if route.method == request.method:
            return route, parts if module is None else parts | {"module": module}
    if request.method == "PATCH":
        raise make_refusal(400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")
    raise make_missing(f"{request.method} {request.path}")


def _answer_created(results: list[Record]) -> Answer:
    return json_answer({"data": results}, 201 if any(item["status"] == "success" for item in results) else 400)


def _parse_records(request: Request) -> list[Record]:
    """Return the records in a body.

    :raises Refused: there are none, or the body has other keys
    """
    try:
        content: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        content = None
    records = content.get("data") if isinstance(content, dict) else None
    if not (isinstance(records, list) and records and all(isinstance(record, dict) for record in records)):
        raise make_invalid('body must be {"data": [{...}]} in JSON')
    # "trigger" has no effect: the organisation has no workflows, approvals or blueprints.
    for name in content.keys() - {"data", "trigger"}:
        raise make_missing(f"{name} in the body of {request.method} {request.path}")
    return records
