"""Settings of all tests: how Hypothesis searches."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines that run tests are slow at times, and that is no fault of the code.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("steady", settings.get_profile("explore"), derandomize=True)
settings.load_profile("steady")
