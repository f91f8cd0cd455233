"""Rendered rooms: furnished scenes with RGB, depth and object ids, and questions whose answers are known.

palette, textures, meshes      what surfaces look like and how shapes are made
material, model                a shape with its surfaces: one thing that can stand in a room
catalogue/                     every category of thing, one builder each
scene, layout                  a room: walls, furniture placed by kind of room, lights
tracer, shading, render        rays to a frame: linear RGB, depth in metres, object ids
camera, viewpoints             camera-like noise; where a person would stand
facts                          what is visible in a frame, and how clearly
wordings, questions/           facts to questions with known answers
splits, sessions               train, validation and test never meet; twenty questions for one visit
check, sheet, cli              proofs, pictures, the command
"""
