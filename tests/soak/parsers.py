"""Every parser of the program."""

from soak import media_parsers, memory_parsers, models_parsers, sessions_parsers, wire_parsers

PARSERS = (
    *sessions_parsers.PARSERS,
    *wire_parsers.PARSERS,
    *memory_parsers.PARSERS,
    *models_parsers.PARSERS,
    *media_parsers.PARSERS,
)
