"""The slides' Study 1 done again: are activations of two models alike where their answers are?

states   what each layer makes of a picture and a question
cells    one question: distances between the layers of student and expert
rooms    the questions of a room, answered and read by both
groups   right against wrong: differences, permutation tests, effects, the published draw
rows     the report, and what holds
picture  layer against layer, and the effects
command  `roomwise study vlm`
"""
