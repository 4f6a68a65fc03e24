"""Who holds which post, what they learnt, and what it adds up to."""
