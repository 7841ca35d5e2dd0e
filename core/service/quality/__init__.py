"""How good the verdicts are, how that moves, and what other limits would have made of them."""
