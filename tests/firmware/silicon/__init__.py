"""Chips of real boards as far as their firmware uses them: the core is emulated, the registers are modelled.

Written from the reference manuals, not from the firmware: what the manual forbids is noted in `Silicon.wrongs`, and a
test insists that there is none. A model that passes does not prove that silicon would.
"""
