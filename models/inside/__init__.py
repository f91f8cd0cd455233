"""What a network looks at while it answers: maps of the language model, and of the tower that sees.

eager    attention that builds its maps, for a moment
looks    where the words of an answer, or of the question, look in the picture
towers   the tower's own maps, recomputed where the library returns none
rollout  attention followed through all layers
"""
