"""Adapt a scene encoder to a camera, as EdgeVL does (ECCV 2024), without labels from people.

request, run, gate   one job
adapting             versions per camera; run a job and adopt its result
views                paired frames with a teacher's rows, and batches of them
distilling           stage 1: both modalities learn the teacher's row of the picture
course               the training loop
"""
