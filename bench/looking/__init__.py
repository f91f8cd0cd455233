"""Whether models look at what they are asked about: the mass of their maps on the thing, against chance.

room    one room: ten answers learnt, ten questions asked, maps laid over the renderer's ids
rows    means with intervals over rooms
cli     the command
"""
