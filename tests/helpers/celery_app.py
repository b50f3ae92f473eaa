"""The Celery application of `prefork_program`, under the name by which Celery finds one; knows nothing else."""

from __future__ import annotations

from helpers.prefork_program import celery_application

app = celery_application()
