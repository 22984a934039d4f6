"""Plots that cost the same for a second and a day: two points per pixel column, 1-pixel pens, fixed axes."""
