"""Training the built-in scene encoders on rendered rooms: `roomwise pretrain scene`.

head        the teacher's head: the expert's tower learns which sentences about rooms are true
pairs       pictures and depth of all frames, read once; how good a student is
distilling, triplets, students   both stages, and who learns
recipes, runs                    every method of the study, seed by seed, from where it was left
commands    `roomwise pretrain scene`; the trained encoder as it is committed
"""
