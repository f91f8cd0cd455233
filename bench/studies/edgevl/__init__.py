"""`roomwise study edgevl`: EdgeVL done again (ECCV 2024): RGB and depth, floating point and 8-bit integers.

`entrants` are tested on views of rooms; `training` makes those that are missing; `speed` and `footprint` measure
integers by onnxruntime against float by torch; `claims` says what holds.
"""
