"""Programs as bounded processes, for every provider that runs one: nothing that a command starts outlives it or us.

What a program may still do: a process that leaves its group, empties its environment and leaves its folder is no longer
told from others. Only a user, container or machine of its own holds such a one.
"""

from hutch.processes.firm import firm
from hutch.processes.group import Ended, run_group
from hutch.processes.leftover import end_left_behind

__all__ = ["Ended", "end_left_behind", "firm", "run_group"]
