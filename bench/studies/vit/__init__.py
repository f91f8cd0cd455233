"""The slides' Study 2 done again: how attention spreads through two networks, and whether it does alike.

towers   a network that sees, from disk: its maps, which rows look, which columns are cells
flow     of one picture: maps, rollouts with and without the residual, entropies, rows grown alike
agree    two networks at equal depth: Jensen-Shannon, Spearman, overlap; against another picture's
rows     the report, and what holds
picture  curves over depth
command  `roomwise study vit`
"""
