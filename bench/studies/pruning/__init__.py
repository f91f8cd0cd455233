"""A published post on pruning LLaVA's vision tokens, done again; and what leaving tokens out costs here."""
