"""Fewer numbers per token: linear reducers between projector and language model, and a narrower encoder."""
