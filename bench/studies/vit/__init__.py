"""`roomwise study vit`: the slides' Study 2. How attention spreads in two networks, and whether alike."""
