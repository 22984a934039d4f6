"""A model of the host's side of USB, and what it drives: the stack on this computer, and controllers modelled by their
registers (tests/firmware/silicon)."""
