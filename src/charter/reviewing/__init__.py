"""Rows of the synthetic data reviewed by people: accepted, edited or rejected."""
