"""How a graph is found: windows from recordings, splits, families that fit a graph, and numbers that judge it."""

from studio.learn.dataset import Dataset
from studio.learn.event import is_sound
from studio.learn.families.autoencoder import Autoencoder, ConvAutoencoder
from studio.learn.families.boosting import GradientBoosting, XgBoost
from studio.learn.families.cnn import Cnn, ResNet, Separable, Tcn
from studio.learn.families.detector import GaussianMixture, IsolationForest, KMeansDistance, LocalOutlierFactor
from studio.learn.families.family import Family
from studio.learn.families.forest import DecisionTree, ExtraTrees, RandomForest
from studio.learn.families.heard import BcResNet, LeNet, SoundCnn, SoundResNet, SoundSeparable
from studio.learn.families.linear import LinearSvm, LogisticRegression, NaiveBayes, Ridge
from studio.learn.families.mlp import Mlp
from studio.learn.families.points import Neighbours, RadialSvm
from studio.learn.families.rocket import Rocket
from studio.learn.families.sequence import Crnn, DeepSense, Gru, Lstm, Rnn, Transformer
from studio.learn.meaning.tasks import CLASSES

#: Every family by name; the search, the settings form and the contract test read this.
FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (
        RandomForest,
        Cnn,
        ExtraTrees,
        DecisionTree,
        GradientBoosting,
        XgBoost,
        LogisticRegression,
        Ridge,
        LinearSvm,
        RadialSvm,
        Neighbours,
        NaiveBayes,
        Mlp,
        Rocket,
        ResNet,
        Tcn,
        Separable,
        SoundCnn,
        SoundSeparable,
        SoundResNet,
        LeNet,
        BcResNet,
        Gru,
        Lstm,
        Rnn,
        Crnn,
        DeepSense,
        Transformer,
    )
}
#: Those that are tried when nobody says which.
USUAL = ("forest", "cnn")
SOUND = ("sound_cnn", "ds_cnn", "forest")
#: Those that learn from one class alone and call everything else an anomaly.
DETECTORS: dict[str, type[Family]] = {
    family.name: family
    for family in (KMeansDistance, GaussianMixture, IsolationForest, LocalOutlierFactor, Autoencoder, ConvAutoencoder)
}


def usual(data: Dataset) -> tuple[str, ...]:
    """The families that are worth trying for this kind of data when nobody says which."""
    found = SOUND if is_sound(data.stream) else USUAL
    return found if data.task == CLASSES else ("ridge", *(name for name in found if data.task in tells(FAMILIES[name])))


def tells(family: type[Family]) -> tuple[str, ...]:
    """The tasks that a family can learn."""
    found: tuple[str, ...] = getattr(family, "tells", (CLASSES,))
    return found
