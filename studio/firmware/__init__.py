"""How a graph becomes a running program: boards, C, images, flash, virtual boards."""
