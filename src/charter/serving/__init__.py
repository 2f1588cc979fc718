"""Serving an aligned model: an OpenAI-compatible endpoint over what an alias of the registry names."""
