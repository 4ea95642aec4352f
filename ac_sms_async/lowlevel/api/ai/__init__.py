"""Operations of the tag ai."""
