"""`roomwise study edgevl`: EdgeVL done again (ECCV 2024): RGB and depth, floating point and 8-bit integers.

`training` makes the `entrants` that are missing; `speed` and `footprint` measure integers by onnxruntime
against float by torch; `claims` says what holds.
"""
