"""Adapting a scene encoder, as EdgeVL does it (ECCV 2024): no label is ever given by a person.

material, views   paired frames with what a teacher says of them; what a batch of them looks like
curation          which frames are worth learning from
warming           the last layer first, before the backbone moves
distilling        stage 1: both modalities learn the teacher's row of the picture
mining, triplets  stage 2: what belongs together and what does not, told from the student's own rows
course            steps, rates, gradients: one loop for all of them
"""
