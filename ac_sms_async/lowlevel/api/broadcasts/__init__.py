"""Operations of the tag broadcasts."""
