"""`roomwise study vit`: the slides' Study 2. How attention spreads through two networks, and whether alike."""
