"""The record as JSON text, as every ready store keeps it.

Knows nothing of what the record means.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from requests_zohorecruit.errors import TokenStoreError

__all__ = ["MAX_RECORD_BYTES", "decode", "encode"]

#: A record is a few hundred bytes. More than this is not a record, and reading it could exhaust the memory.
MAX_RECORD_BYTES = 1 << 20


def encode(record: Mapping[str, Any], store: object) -> str:
    """Return the record as JSON, in ASCII.

    :param store: that is about to save it, for the message
    :raises TokenStoreError: it holds something JSON has no form for (also NaN and infinity)
    """
    try:
        return json.dumps(dict(record), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise TokenStoreError(
            f"{store!r} could not be saved: the record is not JSON-serialisable.", hint="What was stored is unchanged."
        ) from None


def decode(data: str | bytes, store: object) -> dict[str, Any]:
    """Return the record that `encode` made, or that another program wrote as a JSON object in UTF-8.

    :param store: that has read it, for the message
    :raises TokenStoreError: it is anything else
    """
    # Measured before it is parsed: what is no record must not cost memory and time either.
    if len(data) <= MAX_RECORD_BYTES:
        with suppress(ValueError, RecursionError):
            text = data.decode("utf-8") if isinstance(data, bytes) else data
            text = text.removeprefix("\ufeff")  # editors of Windows put a byte order mark in front
            record = json.loads(text, parse_float=_parse_finite, parse_constant=_parse_finite)
            if isinstance(record, dict):
                return record
    raise TokenStoreError(
        f"{store!r} holds something that is not a token record (a JSON object in UTF-8 of at most 1 MiB).",
        hint="Nothing was changed: restore it from a backup, or move it away and authorize again.",
    )


def _parse_finite(number: str) -> float:
    # Python also reads NaN, Infinity and 1e999. `encode` refuses what comes of them, so the record could not be saved.
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value
