"""Operations of the tag lists."""
