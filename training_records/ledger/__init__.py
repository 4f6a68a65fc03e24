"""The ledger (台账): persons and the posts they hold over time."""
