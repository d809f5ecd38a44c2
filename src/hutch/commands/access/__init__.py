"""Who may come in: accounts, signing in and out, tokens, and what the log says of all of it."""
