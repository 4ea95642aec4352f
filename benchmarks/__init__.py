"""How fast the client is, as ratios to what one would use instead, all measured in one run: `make bench`."""
