"""What kind of place a view shows, from colour or from depth alone, as EdgeVL does it (ECCV 2024).

names        class names, their prompts, and reading them from a file
pixels       pictures and depth frames as an encoder takes them, and what is wrong with them
teacher      large encoders of pictures and words: any CLIP, and the built-in expert's tower with a head
student      a small encoder of both modalities in the teacher's space
quantise     integers of 8 bits in training, as they will be in use
exporting    the trained integers as an ONNX file
encoder      the `core.ports.SceneEncoder` of either; loading
"""
