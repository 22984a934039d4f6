"""What a model is, in one row of words."""

from PySide6 import QtWidgets

from studio.app.models import Model
from studio.ui.widgets import label, rows


class Facts(QtWidgets.QWidget):
    """Family, score on unseen data, classes, window, input."""

    NAMES = ("Family", "Right on unseen data", "Window", "Listens to", "Classes")

    def __init__(self) -> None:
        super().__init__()
        self._values = {name: label("–", "strong") for name in self.NAMES}
        across = QtWidgets.QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(22)
        for name, value in self._values.items():
            across.addLayout(rows(label(name, "small"), value, spacing=2))
        across.addStretch()

    def show_model(self, model: Model | None) -> None:
        """Say what `model` is."""
        found = dict.fromkeys(self.NAMES, "–") if model is None else facts(model)
        for name, value in self._values.items():
            value.setText(found[name])
        self._values["Classes"].setToolTip(", ".join(model.graph.classes) if model is not None else "")


def facts(model: Model) -> dict[str, str]:
    """Name of a fact -> what to say."""
    graph, accuracy = model.graph, model.test.get("accuracy")
    length_s, stride_s = graph.length / graph.rate_hz, graph.stride / graph.rate_hz
    return {
        "Family": model.family,
        "Right on unseen data": f"{accuracy:.1%}" if accuracy is not None else "–",
        "Window": f"{length_s:.2f} s every {stride_s:.2f} s",
        "Listens to": f"{model.stream.name} at {graph.rate_hz:g} Hz",
        "Classes": str(len(graph.classes)),
    }
