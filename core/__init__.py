"""Values, errors, text, files and configuration shared by every layer; the lowest one.

Imports point down only, and a test enforces it (`tests/test_layers.py`):

    roomwise.py                  the command
    tui                          may import agent, core
    bench | agent | expert       may import everything below; bench may also import agent,
                                 but for bench/rooms and bench/pretrain
    adapters                     may import models, core
    capture | memory | models    may import core; never each other
    core                         imports no package of ours, and neither torch nor transformers
"""
