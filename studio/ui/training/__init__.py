"""Parts of the Train page: what to search, how the search goes, and what a model is worth."""
