"""What we compute: ops, graphs of ops, and passes that turn one graph into another. The C kernels are the only implementation."""
