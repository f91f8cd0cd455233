"""Measurements that are not the product: rendered rooms, pre-training, benches, studies.

May import every package but tui and expert. Every bench reports through `bench.measure.report`.
"""
