"""Rendered rooms: furnished scenes with RGB, depth and object ids, and questions whose answers are known.

palette, textures, meshes       what surfaces look like and how shapes are made
model, catalogue/               a thing that can stand in a room; a builder for every category
scene, shell, placing, layout   a room: walls and daylight, what fits where, furniture by kind of room
tracer, shading, camera         rays, light, what a cheap camera makes of it
render, views                   frames with depth and ids; a room as a visitor sees it
facts                           what can be seen in a frame, and how clearly
wordings, questions/            facts to questions with known answers, balanced against guessing
sessions                        twenty questions for one visit
check, proof, blind             answers derived again by other means; a reader who never looks
sheet, cli                      pictures for people; the command
"""
