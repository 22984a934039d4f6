"""Clients: one small file per protocol that a board may speak. `CLIENTS` is also the order in which they are asked."""

from studio.sources.clients.acconeer import Acconeer
from studio.sources.clients.client import Client
from studio.sources.clients.imagimob import Imagimob
from studio.sources.clients.impulse_at import ImpulseAt
from studio.sources.clients.nordic import Nordic
from studio.sources.clients.numbers import EdgeImpulse, Numbers
from studio.sources.clients.own import Own
from studio.sources.clients.raw import Raw
from studio.sources.clients.sensiml import SensimlV1, SensimlV2
from studio.sources.clients.tensor import Tensor

#: Name, as in `?protocol=`, -> client.
CLIENTS: dict[str, type[Client]] = {
    c.name: c
    for c in (
        Own,
        Tensor,
        SensimlV2,
        SensimlV1,
        Nordic,
        Imagimob,
        Acconeer,
        ImpulseAt,
        EdgeImpulse,
        Numbers,
        Raw,
    )
}
