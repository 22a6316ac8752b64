"""Settings of all tests: how Hypothesis searches, and that no settings of the user count."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# The tests, and the processes they start, read no omr.toml of whoever runs them.
os.environ["OMR_SETTINGS"] = ""

# Machines that run tests are slow at times, and that is no fault of the code.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("steady", settings.get_profile("explore"), derandomize=True)
settings.load_profile("steady")
