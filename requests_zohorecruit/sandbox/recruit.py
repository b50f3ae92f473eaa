"""The Recruit API, version 2: who is let in, paths, and records.

Knows modules and records; is told by `grants` what an access token is good for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from requests_zohorecruit.sandbox.attachments import Attachments
from requests_zohorecruit.sandbox.messages import Answer, Request, json_answer
from requests_zohorecruit.sandbox.records import REQUIRED, make_initial_records

__all__ = ["Recruit", "make_refusal"]

_PATH = re.compile(
    r"/recruit/v2/(?P<module>[A-Za-z]+)(?:/(?P<record>\d+)(?P<files>/Attachments(?:/(?P<file>\d+))?)?)?/?"
)
_METHODS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}
_MOST_PER_PAGE = 200
_Record = dict[str, Any]


def make_refusal(status: int, code: str, message: str, details: Any = None) -> Answer:
    """Return an error as Recruit words it."""
    content = {"code": code, "message": message, "status": "error"}
    return json_answer(content if details is None else {"code": code, "details": details, **content}, status)


class Recruit:
    """A Recruit account with a dozen candidates and a few job openings, all invented.

    :param scope_of: what an access token is good for; None = nothing
    :param timestamp: the time now, as Recruit writes it
    """

    def __init__(self, *, scope_of: Callable[[str], tuple[str, ...] | None], timestamp: Callable[[], str]) -> None:
        self._scope_of = scope_of
        self._timestamp = timestamp
        self._last_id = 410_888_000_000_117_000
        self._modules: dict[str, dict[str, _Record]] = {}
        for module, records in make_initial_records().items():
            self._modules[module] = {}
            for record in records:
                self._add(module, record)
        self.attachments = Attachments(new_id=self._make_id, timestamp=timestamp)

    def handle(self, request: Request, *, reject_all: bool) -> Answer:
        """Answer one call."""
        found = _PATH.fullmatch(request.path)
        if not found or found["module"] not in self._modules:
            return make_refusal(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")
        if request.method not in _METHODS:
            return make_refusal(405, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")
        module, record_id = found["module"], found["record"]
        if refused := self._find_refusal(request, module, reject_all=reject_all):
            return refused
        if record_id is None:
            return self._handle_module(request, module)
        if found["files"] and record_id in self._modules[module]:
            return self.attachments.handle(request, (module, record_id), found["file"])
        return self._handle_record(request, module, record_id)

    def _find_refusal(self, request: Request, module: str, *, reject_all: bool) -> Answer | None:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        # Whatever `token_type` says, Zoho-oauthtoken is the documented scheme; Bearer was seen to work.
        if scheme.lower() not in {"zoho-oauthtoken", "bearer"}:
            return make_refusal(401, "AUTHENTICATION_FAILURE", "Authentication failed")
        scope = None if reject_all else self._scope_of(token.strip())
        if scope is None:
            return make_refusal(401, "INVALID_TOKEN", "invalid oauth token")
        if not _is_allowed(scope, module, _METHODS[request.method]):
            return make_refusal(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL", {})
        return None

    def _handle_module(self, request: Request, module: str) -> Answer:
        if request.method == "GET":
            return self._list(request, module)
        if request.method == "DELETE":
            wanted = request.query_fields().get("ids", "").split(",")
            return json_answer({"data": [self._delete(module, record_id) for record_id in wanted]})
        records = _parse_records(request)
        if records is None:
            return make_refusal(400, "INVALID_DATA", 'body must be {"data": [{...}]} in JSON', {})
        if request.method == "POST":
            results = [self._create(module, record) for record in records]
            return json_answer({"data": results}, 201 if any(item["status"] == "success" for item in results) else 400)
        return json_answer({"data": [self._update(module, str(record.get("id")), record) for record in records]})

    def _handle_record(self, request: Request, module: str, record_id: str) -> Answer:
        if record_id not in self._modules[module]:
            return make_refusal(400, "INVALID_DATA", "the id given seems to be invalid", {"id": record_id})
        if request.method == "GET":
            return json_answer({"data": [self._modules[module][record_id]]})
        if request.method == "DELETE":
            return json_answer({"data": [self._delete(module, record_id)]})
        records = _parse_records(request)
        if request.method == "POST" or not records:
            return make_refusal(400, "INVALID_DATA", 'a PUT of {"data": [{...}]} in JSON was expected', {})
        return json_answer({"data": [self._update(module, record_id, records[0])]})

    def _list(self, request: Request, module: str) -> Answer:
        query = request.query_fields()
        page, per_page = query.get("page", "1"), query.get("per_page", "200")
        if (
            not page.isdecimal()
            or not per_page.isdecimal()
            or int(page) < 1
            or not 1 <= int(per_page) <= _MOST_PER_PAGE
        ):
            return make_refusal(400, "INVALID_DATA", "page starts at 1, per_page is at most 200", {})
        start, size = (int(page) - 1) * int(per_page), int(per_page)
        records = list(self._modules[module].values())
        shown = records[start : start + size]
        if not shown:
            return Answer(204)
        info = {"per_page": size, "count": len(shown), "page": int(page), "more_records": len(records) > start + size}
        return json_answer({"data": shown, "info": info})

    def _create(self, module: str, record: _Record) -> _Record:
        if not record.get(REQUIRED[module]):
            details = {"api_name": REQUIRED[module]}
            return _make_result("MANDATORY_NOT_FOUND", "required field not found", details, status="error")
        return _make_result("SUCCESS", "record added", self._add(module, record))

    def _update(self, module: str, record_id: str, changes: _Record) -> _Record:
        record = self._modules[module].get(record_id)
        if record is None:
            return _make_result("INVALID_DATA", "the id given seems to be invalid", {"id": record_id}, status="error")
        record.update(changes, id=record_id, Modified_Time=self._timestamp())
        return _make_result("SUCCESS", "record updated", {"id": record_id, "Modified_Time": record["Modified_Time"]})

    def _delete(self, module: str, record_id: str) -> _Record:
        if self._modules[module].pop(record_id, None) is None:
            return _make_result("INVALID_DATA", "the id given seems to be invalid", {"id": record_id}, status="error")
        self.attachments.forget((module, record_id))
        return _make_result("SUCCESS", "record deleted", {"id": record_id})

    def _add(self, module: str, record: _Record) -> _Record:
        made = {"id": self._make_id(), "Created_Time": self._timestamp(), "Modified_Time": self._timestamp()}
        self._modules[module][made["id"]] = record | made
        return made

    def _make_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)


def _is_allowed(scope: tuple[str, ...], module: str, deed: str) -> bool:
    """Tell whether a scope covers a deed; names are compared without case and plural (``modules.candidate.READ``)."""
    deeds = {"ALL", deed} if deed == "READ" else {"ALL", deed, "WRITE"}
    for item in scope:
        service, *what, granted = item.lower().split(".")
        part = what[1].rstrip("s") if what[1:] else None
        whole = service == "zohorecruit" and what[:1] == ["modules"] and part in {None, module.lower().rstrip("s")}
        if whole and granted.upper() in deeds:
            return True
    return False


def _parse_records(request: Request) -> list[_Record] | None:
    try:
        records = json.loads(request.body)["data"]
    except (ValueError, TypeError, KeyError):
        return None
    valid = isinstance(records, list) and records and all(isinstance(record, dict) for record in records)
    return records if valid else None


def _make_result(code: str, message: str, details: _Record, *, status: str = "success") -> _Record:
    return {"code": code, "details": details, "message": message, "status": status}
