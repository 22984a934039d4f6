"""Simulated devices: the other end of every protocol in `clients`, for trying out and for testing without hardware."""

from studio.sources.devices.acconeer import AcconeerDevice
from studio.sources.devices.device import Device, DeviceLink
from studio.sources.devices.imagimob import ImagimobDevice
from studio.sources.devices.impulse_at import ImpulseAtDevice
from studio.sources.devices.nordic import NordicDevice
from studio.sources.devices.own import OwnDevice
from studio.sources.devices.plain import EdgeImpulseDevice, NumbersDevice, RawDevice
from studio.sources.devices.sensiml import SensimlV1Device, SensimlV2Device
from studio.sources.devices.tensor import TensorDevice

__all__ = ["DEVICES", "Device", "DeviceLink"]

#: Protocol -> a device that speaks it.
DEVICES: dict[str, type[Device]] = {
    "own": OwnDevice,
    "sensiml-v2": SensimlV2Device,
    "sensiml-v1": SensimlV1Device,
    "nordic": NordicDevice,
    "imagimob": ImagimobDevice,
    "acconeer": AcconeerDevice,
    "tensor-streaming": TensorDevice,
    "edge-impulse-at": ImpulseAtDevice,
    "edge-impulse": EdgeImpulseDevice,
    "numbers": NumbersDevice,
    "raw": RawDevice,
}
