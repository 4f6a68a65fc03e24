"""Certificates: issued by a passed exam, checked by anyone who holds the number."""
