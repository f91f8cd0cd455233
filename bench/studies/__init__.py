"""Published studies done again: the slides' SF0 to SF7 and Align-KD's ablation, on rooms, beside ours.

distill    every published way to distil, literally
few_shot   `study sf` and `study align-kd`:
    sf, align_kd   the commands: which rows, which published numbers, which claims
    methods        the rows as data
    rooms, fits, room_work   what is done for a room; results are kept in a folder
    scores, claims, command  what is said of it
vlm, vit, pruning, dims, edgevl   a study each
"""
