"""Rendered rooms: furnished scenes with RGB, depth and object ids, and questions whose answers are known.

world       what a room is made of: palette, textures, meshes; model, a thing that can stand in one; scene
catalogue   a builder for every category of thing
rendering   rays, light, what a cheap camera makes of it; facts: what a frame shows, and how clearly
questions   facts to questions with known answers, balanced against guessing
shell, placing, layout   a room: walls and daylight, what fits where, furniture by kind of room
views, sessions, wander  a room as a visitor sees it; twenty questions for one visit, or for two rooms
check, proof, blind      answers derived again by other means; a reader who never looks
sheet, cli               pictures for people; the command
"""
