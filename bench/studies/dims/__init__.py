"""Fewer numbers per vision token: what it costs, and what it saves. The slides' Study 4 is but a title."""
