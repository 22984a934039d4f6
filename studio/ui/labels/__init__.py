"""Drawing on time: the label layer, the rules of the mouse and the keys over it, and the rows it lies on."""
