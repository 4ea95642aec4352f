"""Where collected rows are kept: one protocol, on SQLite and PostgreSQL."""
