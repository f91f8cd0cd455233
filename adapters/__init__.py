"""LoRA versions of the student: train, judge, store. May import models and core."""
