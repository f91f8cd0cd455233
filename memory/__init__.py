"""Question/answer pairs and how to find them again. May import core; is handed its embedder."""
