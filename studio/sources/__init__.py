"""Where samples come from: links (bytes from a device), clients (what the bytes mean), and the acquisition thread."""
