"""Answers, metrics, judges and the statistics that say what can be believed."""
