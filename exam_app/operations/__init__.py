"""What keeps an installation going for years: backups and the proof that they hold, moving between engines."""
