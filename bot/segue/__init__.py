"""Segue: one conversation, one voice, every channel."""
