"""How a network comes to be: recipes, networks, the loop, the run folder."""
