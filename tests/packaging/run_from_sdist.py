"""Run the test suite out of a source distribution, against the package that is installed.

``python tests/packaging/run_from_sdist.py`` takes pytest's arguments. The package's own directory is left out of what is
unpacked, so nothing but the installed wheel can be imported, and a file that a test reads has to be in the distribution.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Build, unpack, test."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        subprocess.run([sys.executable, "-m", "build", "-q", "--sdist", "--outdir", name], check=True)
        [archive] = directory.glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(directory / "unpacked", filter="data")
        [root] = (directory / "unpacked").iterdir()
        shutil.rmtree(root / "requests_zohorecruit")
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
