"""Keeping a model's refusals: demonstrations that train them, and the detector that measures them."""
