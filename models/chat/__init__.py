"""Chat families: models that transformers' AutoModelForImageTextToText loads, each with its processor.

The processor's chat template makes the prompt, the model's own `get_image_features` the vision tokens. Every
picture becomes one square grid, whatever its shape, so that views of a room stack.
"""
