"""Classify scenes from colour or depth alone, as EdgeVL does (ECCV 2024).

names        class names and their prompts
pixels       pictures and depth frames as an encoder's input, with checks
paired       pictures with depth from files
teacher      large encoders of pictures and words: any CLIP, and the built-in expert's tower with a head
student      a small encoder of both modalities in the teacher's space
quantise     8-bit quantisation-aware training
exporting    the quantised student as an ONNX file
encoder      `core.ports.SceneEncoder` of a saved student
places       vectors that tell rooms apart
"""
