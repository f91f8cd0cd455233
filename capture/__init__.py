"""Cameras and microphones, and recordings that replace them. May import core.

`sources.choosing` opens the configured source. A `Camera`, `Microphone` or `Transcriber` costs nothing before
`start`. They call back on their own threads; a hanging device is abandoned and keeps no program alive.
"""
