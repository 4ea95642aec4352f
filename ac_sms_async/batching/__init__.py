"""Something for each of many ids: in chunks, a few at once, one outcome for each id."""
