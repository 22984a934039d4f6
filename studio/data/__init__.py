"""What we hold: streams of samples, recordings, labels and projects, in memory, on disk, on the wire."""
