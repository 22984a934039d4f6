"""Bluetooth in software, to try the real thing without a radio: a board, the air, and a daemon that bleak talks to.

bleak's own BlueZ backend runs unchanged: it finds an `org.bluez` on a private D-Bus (`bluez`), behind which bumble's
host stack speaks ATT over a virtual controller to bumble's peripheral (`radio`), which is one of our simulated
devices. `air` starts and stops it all. For tests and `studio bench ble`; bumble comes with the `test` extra.
There is no model of air time: the board paces itself.
"""
