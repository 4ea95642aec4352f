"""Walking through an offset-paged listing while it changes: pages are fetched, tied to each other, and given out."""
