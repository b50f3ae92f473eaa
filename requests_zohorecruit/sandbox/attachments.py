"""Files attached to records: upload, list, download, delete, and downloads that redirect to another host.

Knows the files and the records they belong to. Access has been checked before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Any
from urllib.parse import quote, unquote

from requests_zohorecruit.sandbox import queries
from requests_zohorecruit.sandbox.messages import Answer, Request, json_answer, make_invalid

__all__ = ["Attachment", "Attachments", "Owner"]

Owner = tuple[str, str]
"""Module and record id."""


@dataclass(frozen=True)
class Attachment:
    """An uploaded file.

    :ivar entry: as Recruit lists it
    """

    owner: Owner
    entry: dict[str, Any]
    content: bytes


class Attachments:
    """All attachments of a Recruit account.

    :ivar files: by id, oldest first
    """

    def __init__(self, *, new_id: Callable[[], str], timestamp: Callable[[], str]) -> None:
        self._make_id = new_id
        self._timestamp = timestamp
        self.files: dict[str, Attachment] = {}

    def forget(self, owner: Owner) -> None:
        """Delete the files of a deleted record."""
        self.files = {file_id: file for file_id, file in self.files.items() if file.owner != owner}

    def handle(self, request: Request, owner: Owner, file_id: str | None) -> Answer:
        """Answer one call.

        :param file_id: the id of the attachment, or None for all attachments of the record
        :raises Refused: there is no such attachment, or no file in the body
        """
        query = request.query_fields()
        if file_id is None:
            if request.method == "POST":
                return self._upload(request, owner, query.get("attachments_category"))
            return queries.paginate([file.entry for file in self.files.values() if file.owner == owner], query)
        file = self.files.get(file_id)
        if file is None or file.owner != owner:
            raise make_invalid(f"there is no attachment {file_id}")
        if request.method == "DELETE":
            del self.files[file_id]
            return _make_success("record deleted", file_id)
        return _download(file, query.get("redirect"))

    def _upload(self, request: Request, owner: Owner, category: str | None) -> Answer:
        sent = _parse_upload(request)
        if sent is None:
            raise make_invalid("multipart/form-data with a part named file was expected")
        name, content = sent
        file_id = self._make_id()
        entry = {
            "id": file_id,
            "File_Name": name,
            "Size": str(len(content)),
            "Created_Time": self._timestamp(),
            "Category": None if category is None else {"name": category},
        }
        self.files[file_id] = Attachment(owner, entry, content)
        return _make_success("attachment uploaded successfully", file_id)


def _download(file: Attachment, redirect: str | None) -> Answer:
    if redirect is not None:
        return Answer(302, {"Location": redirect})
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.entry['File_Name'])}",
    }
    return Answer(200, headers, file.content)


def _parse_upload(request: Request) -> tuple[str, bytes] | None:
    """Return name and bytes of the part named ``file`` of a ``multipart/form-data`` body (RFC 7578), if any."""
    content_type = Message()
    content_type["Content-Type"] = request.header("Content-Type") or ""
    boundary = content_type.get_boundary()
    if content_type.get_content_type() != "multipart/form-data" or not boundary:
        return None
    # RFC 2046, section 5.1.1: the line break before a delimiter belongs to the delimiter.
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
        if headers.get_param("name", header="Content-Disposition") == "file":
            # RFC 7578, section 2: names are UTF-8; what would break the quotes is percent-encoded.
            return unquote(headers.get_filename("unnamed")), content
    return None


def _make_success(message: str, file_id: str) -> Answer:
    result = {"code": "SUCCESS", "details": {"id": file_id}, "message": message, "status": "success"}
    return json_answer({"data": [result]})
