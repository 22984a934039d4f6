"""What a person sees: one window, its pages, plots and forms. Only Qt, pyqtgraph and numpy live in this process."""
