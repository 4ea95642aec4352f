"""Pytest fixtures for the sandbox."""
