"""Operations of the tag recipients."""
