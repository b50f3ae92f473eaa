"""Guards the Python programs that tests start: Python imports a module of this name before it does anything else."""

from __future__ import annotations

import socketguard

socketguard.install()
