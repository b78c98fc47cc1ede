"""The programs that make what no hand writes in README and docs."""
