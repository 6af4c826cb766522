"""Thin channel adapters for Segue."""
