"""The ledger (台账): people and the posts they hold over time."""
