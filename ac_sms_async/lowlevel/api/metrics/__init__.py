"""Operations of the tag metrics."""
