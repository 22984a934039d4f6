# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs that play a board are made of: link, sensors, flash, pace. Only the standard library."""
