"""Operations of the tag credits."""
