"""The documentation: pages, and the programs that make and count them."""
