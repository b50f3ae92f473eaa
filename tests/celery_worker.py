"""The Celery application of `prefork`, under the name by which Celery finds one; knows nothing else."""

from __future__ import annotations

from prefork import celery_application

app = celery_application()
