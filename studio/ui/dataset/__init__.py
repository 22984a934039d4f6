"""Parts of the Data page: the table of recordings, the balance of classes, what is wrong, how the data is parted."""
