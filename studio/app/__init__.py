"""What the person is doing: one state, one door for changing it, undo, long jobs, and the actions of window and command line."""
