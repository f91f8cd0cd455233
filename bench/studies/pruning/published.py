"""What the post prints: LLaVA-7B, four COCO pictures, four prompts, once each (blog post of 2025-07-30)."""

SOURCE = "a blog post of 2025-07-30 on LLaVA-7B"
TOKENS = 577
"""Of its tower: 576 patches and the class token."""
THRESHOLDS = (5e-5, 3e-4, 4e-4, 5e-4, 5e-3, 5e-2)
CHOSEN = 4e-4
"""The post's best threshold, of 3e-4, 4e-4 and 5e-4."""
PATCH_WISE, LAYER_WISE = 8, 9
"""Over so many last layers each works best, it says."""
PROMPTS = (
    "Is there any cutlery in the image?",
    "Describe the image.",
    "Is it night or day?",
    "List the objects in the image.",
)
"""Prompts like the post's, which gives them in short."""
SECONDS = {"none": 264.66, "layer-wise": 238.87, "patch-wise": 215.59}
"""Sums of its table over 16 answers, each as long as the model made it; what it claims to save differs."""
BELOW = {
    1: (0.82, 13.96, 19.76, 25.38, 99.65, 100.00), 2: (8.08, 30.77, 35.95, 40.95, 97.32, 100.00),
    3: (6.46, 32.52, 40.81, 48.30, 98.82, 100.00), 4: (5.84, 28.39, 37.76, 47.07, 99.31, 100.00),
    5: (4.76, 30.78, 38.34, 45.55, 97.53, 100.00), 6: (2.20, 27.84, 36.09, 43.13, 97.56, 100.00),
    7: (0.00, 9.57, 17.20, 25.62, 98.51, 100.00), 8: (0.03, 6.16, 10.36, 15.82, 98.62, 100.00),
    9: (0.04, 7.73, 12.86, 18.47, 97.81, 100.00), 10: (2.08, 15.49, 21.95, 28.01, 95.00, 100.00),
    11: (0.04, 10.74, 16.95, 23.33, 95.74, 99.98), 12: (0.17, 14.88, 22.18, 28.58, 94.89, 99.98),
    13: (0.66, 21.53, 31.55, 40.64, 96.86, 99.72), 14: (5.89, 47.40, 57.06, 63.80, 97.89, 99.36),
    15: (3.75, 40.18, 51.04, 60.34, 98.30, 99.35), 16: (11.05, 44.39, 53.24, 61.02, 98.13, 99.35),
    17: (9.72, 46.95, 56.74, 64.59, 97.84, 99.31), 18: (15.25, 40.60, 48.07, 54.99, 97.60, 99.36),
    19: (20.20, 46.34, 53.83, 59.77, 97.49, 99.38), 20: (18.83, 43.90, 51.63, 58.17, 97.02, 99.41),
    21: (23.20, 47.12, 54.46, 60.34, 97.01, 99.45), 22: (4.73, 45.62, 52.39, 57.87, 96.78, 99.50),
    23: (24.97, 51.91, 57.64, 62.88, 95.82, 99.67), 24: (19.57, 52.44, 58.51, 63.48, 95.58, 99.53),
}  # fmt: skip
"""Per cent of single class scores below each threshold, by layer."""
