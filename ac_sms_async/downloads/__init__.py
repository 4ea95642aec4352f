"""What comes as a file: CSV read while it arrives, and files that are written whole or not at all."""
