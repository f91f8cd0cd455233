"""How an adapter is trained: material, loss terms, steps, and one whole job of it."""
