"""Helpers that tests share; each module is named after what it provides."""
