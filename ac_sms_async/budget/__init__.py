"""How many requests an account may start, and who goes first: one ledger, wherever it is kept."""
