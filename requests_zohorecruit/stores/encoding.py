"""The record as JSON text, as this library's stores keep it.

Knows nothing about the record's content.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from requests_zohorecruit.errors import TokenStoreError, UnusableRecordError

__all__ = ["MAX_RECORD_BYTES", "decode", "encode"]

#: A record has a few hundred bytes. Anything larger than this is not a record and could exhaust the memory.
MAX_RECORD_BYTES = 1 << 20


def encode(record: Mapping[str, Any], store: object) -> str:
    """Return the record as JSON, in ASCII.

    :param store: the store that is about to save it, for the message
    :raises TokenStoreError: the record contains a value that JSON cannot represent (including NaN and infinity)
    """
    try:
        return json.dumps(dict(record), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise TokenStoreError(
            f"{store!r} could not be saved: the record is not JSON-serialisable.", hint="What was stored is unchanged."
        ) from None


def decode(data: str | bytes, store: object) -> dict[str, Any]:
    """Return the record from text that `encode` made, or from another program's JSON object in UTF-8.

    :param store: the store that has read it, for the message
    :raises UnusableRecordError: it is anything else
    """
    # Check the size first: parsing something that is not a record must not cost memory and time.
    if len(data) <= MAX_RECORD_BYTES:
        with suppress(ValueError, RecursionError):
            text = data.decode("utf-8") if isinstance(data, bytes) else data
            text = text.removeprefix("\ufeff")  # Windows editors add a byte order mark
            record = json.loads(text, parse_float=_parse_finite, parse_constant=_parse_finite)
            if isinstance(record, dict):
                return record
    raise UnusableRecordError(
        f"{store!r} holds something that is not a token record (a JSON object in UTF-8 of at most 1 MiB).",
        hint="Nothing was changed: restore it from a backup, or move it away and authorize again.",
    )


def _parse_finite(number: str) -> float:
    # Python also parses NaN, Infinity and 1e999, but `encode` refuses them, so such a record could not be saved.
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value
