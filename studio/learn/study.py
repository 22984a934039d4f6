"""What a search has tried, kept in a journal, and what it would try next: Optuna's sampler over the families' knobs.

Each proposal is drawn from the history alone, with a seed of its own number: a search that was interrupted and goes on
from its journal proposes what it would have proposed. Every third proposal is drawn for the full flash, the others for
half and a quarter of it (the epsilon-constraint scheme): so the front of score against flash is found although trials
are stopped early, which Optuna allows for one objective only.

References: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011 (TPE); Li et al., A System for
Massively Parallel Hyperparameter Tuning, MLSys 2020 (successive halving).
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.learn.candidate import Candidate, Limits
from studio.learn.cost import RUNTIME_FLASH_BYTES, Cost
from studio.learn.space import Space

#: Shares of the flash limit that proposals are drawn for, in turn.
LEVELS = (1.0, 0.5, 0.25)
#: Epochs before a network may be stopped, and how many of the networks go on from each rung: one in so many.
FIRST_RUNG, REDUCTION = 8, 3
#: Trials that are drawn by chance before the sampler begins to learn from them.
BY_CHANCE = 10
#: Members that may learn side by side. Each is drawn, and held against others, by what those before them came to:
#: so it does not matter how many really do.
AHEAD = 4


@dataclass(frozen=True)
class Proposal:
    """Which member is next: its family and where its knobs stand."""

    number: int
    family: str
    at: Mapping[str, int]


class Study:
    """`propose`, `begin` and `keep`; `history` holds what was kept, also by an earlier search of the same key.

    `path` is the journal's file (None: in memory only), `key` names data and settings that make trials comparable.
    """

    def __init__(self, space: Space, limits: Limits, seed: int, path: Path | None, key: str, resume: bool) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self.space, self.limits, self.seed = optuna, space, limits, seed
        self._guesses = space.guesses()
        self._journal = optuna.create_study(study_name=key, storage=_storage(path, resume), load_if_exists=True)
        self.history: list[Any] = [t for t in self._journal.trials if t.state.is_finished()]

    def known(self, number: int) -> list[Any]:
        """The trials that member `number` may learn from."""
        return self.history[: max(0, number - AHEAD + 1)]

    def propose(self, under_way: Sequence[Proposal] = ()) -> Proposal | None:
        """The next member to try beside those under way; None when every member of a small space has been tried."""
        number = len(self.history) + len(under_way)
        if number < len(self._guesses):
            family, at = self._guesses[number]
            return Proposal(number, family, at)
        seen = {(t.user_attrs["family"], json.dumps(t.user_attrs["at"])) for t in self.history}
        seen |= {(p.family, json.dumps(dict(p.at))) for p in under_way}
        for again in range(20):
            found = self._drawn(number, again)
            if (found.family, json.dumps(dict(found.at))) not in seen:
                return found
        return None

    def _drawn(self, number: int, again: int) -> Proposal:
        limits = self.limits.tightened(LEVELS[number % len(LEVELS)], RUNTIME_FLASH_BYTES)
        seed = (self.seed * 100_003 + number * 31 + again) % 2**31
        sampler = self._sampler(seed)
        study = self._optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([self._frozen(t, limits) for t in self.known(number)])
        trial = study.ask()
        family = trial.suggest_categorical("family", list(self.space.kinds))
        knobs = self.space.knobs(family)
        at = {k: trial.suggest_int(f"{family}.{k}", 0, len(v) - 1) for k, v in knobs.items()}
        return Proposal(number, family, at)

    def _sampler(self, seed: int) -> Any:
        with warnings.catch_warnings():  # that `group` may change some day: the tests would tell
            warnings.simplefilter("ignore")
            return self._optuna.samplers.TPESampler(
                n_startup_trials=BY_CHANCE, multivariate=True, group=True, seed=seed
            )

    def _frozen(self, t: Any, limits: Limits) -> Any:
        """A kept trial, with the constraints that `limits` make of its cost."""
        over = limits.excess(Cost(**t.user_attrs["cost"]))
        return self._optuna.trial.create_trial(
            state=t.state, value=t.value, params=t.params, distributions=t.distributions,
            system_attrs=_rungs(t),
            intermediate_values=t.intermediate_values, constraints=over,
        )  # fmt: skip

    def begin(self, number: int) -> "Halving":
        """Member `number` starts to learn."""
        pruner = self._optuna.pruners.SuccessiveHalvingPruner(min_resource=FIRST_RUNG, reduction_factor=REDUCTION)
        study = self._optuna.create_study(direction="maximize", pruner=pruner)
        study.add_trials([self._frozen(t, self.limits) for t in self.known(number)])
        return Halving(study, study.ask())

    # --- keeping --------------------------------------------------------------------------

    def keep(self, proposal: Proposal, candidate: Candidate, halving: "Halving | None" = None) -> None:
        """Add what the member came to; on disk before this returns."""
        optuna, pre = self._optuna, f"{proposal.family}."
        sizes = {k: len(v) for k, v in self.space.knobs(proposal.family).items()}
        distributions = {pre + k: optuna.distributions.IntDistribution(0, n - 1) for k, n in sizes.items()}
        family = optuna.distributions.CategoricalDistribution(list(self.space.kinds))
        run = halving.run() if halving else None
        states = optuna.trial.TrialState
        trial = optuna.trial.create_trial(
            state=states.PRUNED if candidate.stopped else states.COMPLETE,
            value=candidate.score,
            params={"family": proposal.family, **{pre + k: i for k, i in proposal.at.items()}},
            distributions={"family": family, **distributions},
            user_attrs=_about(proposal, candidate),
            system_attrs=_rungs(run) if run else {},
            intermediate_values=dict(run.intermediate_values) if run else {},
            constraints=self.limits.excess(candidate.cost),
        )
        self._journal.add_trial(trial)
        self.history.append(trial)

    def kept(self) -> list[Candidate]:
        """The candidates of the history, without their graphs."""
        return [self._candidate(t) for t in self.history]

    def _candidate(self, t: Any) -> Candidate:
        a = t.user_attrs
        settings = self.space.member(a["family"], a["at"])
        cost = Cost(**a["cost"])
        return Candidate(a["name"], a["family"], settings, a["score"], cost, a["violated"], None, a["stopped"])

    @property
    def by_family(self) -> dict[str, int]:
        """How often each family has been tried."""
        names = [t.user_attrs["family"] for t in self.history]
        return {name: names.count(name) for name in self.space.kinds}


@dataclass
class Halving:
    """Holds one member against those before it while it learns (successive halving)."""

    study: Any
    trial: Any
    last: float = 0.0

    def behind(self, epoch: int, score: float) -> bool:
        """Whether a network with this score after this epoch is too far behind those before it to go on."""
        self.last = score
        self.trial.report(score, epoch)
        return bool(self.trial.should_prune())

    def run(self) -> Any:
        """Optuna's record of the member."""
        return self.study.trials[-1]


def _rungs(t: Any) -> dict[str, Any]:
    """What Optuna's pruner noted of a trial at its rungs (it keeps them where only Optuna looks)."""
    return {k: v for k, v in t._system_attrs.items() if k.startswith("completed_rung")}


def _about(proposal: Proposal, c: Candidate) -> dict[str, Any]:
    return {
        "name": c.name, "family": c.family, "at": dict(proposal.at), "score": c.score, "violated": c.violated,
        "stopped": c.stopped, "cost": asdict(c.cost),
    }  # fmt: skip


def _storage(path: Path | None, resume: bool) -> Any:
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if path is None:
        return InMemoryStorage()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(path.name + ".lock").unlink(missing_ok=True)  # of a search that was ended by force
    if not resume:
        path.unlink(missing_ok=True)
    return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
