"""What the pages are made of, to look at."""
