"""Contains a module for each command of ``zohorecruit``."""
