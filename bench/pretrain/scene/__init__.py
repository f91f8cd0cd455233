"""Training the built-in scene encoders on rendered rooms: `roomwise pretrain scene`.

captions, head   the teacher's head: the expert's tower learns to speak of rooms
pairs            pictures, depth and the teacher's rows of all frames, read once
setting, paired_folder   what the trainings need; frames of one's own
curation, warming, distilling, triplets, students   what is learnt from, in which stages, by whom
recipes, runs    every method of the study, seed by seed, from where it was left
validating, shipping, commands   how good it is; the trained encoder as it is committed
"""
