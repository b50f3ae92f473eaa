"""The one file of a ``multipart/form-data`` body.

Implements RFC 7578. Knows nothing about the purpose of the file.
"""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from urllib.parse import unquote

from requests_zohorecruit.sandbox.messages import Request

__all__ = ["parse_uploaded_file"]


def parse_uploaded_file(request: Request) -> tuple[str, bytes] | None:
    """Return name and bytes of the part named ``file``, or None when there is none."""
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
