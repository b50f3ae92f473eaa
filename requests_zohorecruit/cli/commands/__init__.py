"""A module for each command of ``zohorecruit``."""
