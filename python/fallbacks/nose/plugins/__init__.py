"""Of nose's plugins, what scenarios import."""
