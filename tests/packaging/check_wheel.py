"""Fail if the wheel in a folder is heavier than it should be, or does not say under which licence it is."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

HEAVIEST = 270_000  # bytes

[wheel] = Path(sys.argv[1]).glob("*.whl")
size = wheel.stat().st_size
if size > HEAVIEST:
    sys.exit(f"{wheel.name} has {size:,} bytes, more than {HEAVIEST:,}.")
with zipfile.ZipFile(wheel) as archive:
    [metadata] = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = archive.read(metadata).decode("utf-8").splitlines()
if "License-Expression: Apache-2.0" not in lines:
    sys.exit(f"{wheel.name} has no licence expression.")
print(f"{wheel.name}: {size:,} bytes.")
