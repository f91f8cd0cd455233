"""`roomwise study edgevl`: EdgeVL done again (ECCV 2024): RGB and depth, floating point and 8-bit integers.

views       what is tested on: rendered test rooms, or a folder of paired pictures
entrants    the methods' encoders, from runs or from what is committed
scores      right or wrong, view by view, with intervals over rooms
speed, footprint   integers by onnxruntime against float by torch: time, size, agreement
published   the poster's numbers; claims, and what holds of them
study, cli  all of it in order; the command
"""
