"""Screenshots on a terminal: half blocks, sixel, kitty, the filmstrip and what changed between two."""
