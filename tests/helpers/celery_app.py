"""The Celery application of `prefork_program`, in a module where Celery finds it."""

from __future__ import annotations

from helpers.prefork_program import celery_application

app = celery_application()
