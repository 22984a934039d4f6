"""What the person is doing: one state, one door to change it, undo, long jobs, and the actions of both faces."""
