"""Asking language models: engines behind one protocol, and the journal of what was asked."""
