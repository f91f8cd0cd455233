"""`roomwise study vlm`: the slides' Study 1. Are activations of two models alike where their answers are?

`states` records layers, `cells` compares those of one, `rooms` all of a room, `found` right and wrong.
"""
