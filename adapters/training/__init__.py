"""Train an adapter: material, loss terms, steps, and a whole job."""
