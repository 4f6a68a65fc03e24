"""Model workers (典型选树): found by results over years, nominated, agreed to by themselves, made public, chosen."""
