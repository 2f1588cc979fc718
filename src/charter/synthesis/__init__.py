"""Turning chunks into validated instruct and preference data."""
