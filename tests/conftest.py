"""Settings of the test run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "product", deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("product")
