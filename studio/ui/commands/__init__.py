"""What a person can do, as one table: the keys, the palette, the tooltips and the printed sheet all read it."""
