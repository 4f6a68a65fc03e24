"""Model workers (典型选树): candidates by results over years, nominated, agreed by the person, published, chosen."""
