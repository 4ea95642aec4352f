"""Operations of the tag exports."""
