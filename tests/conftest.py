"""What holds for every test of the house."""

from hypothesis import HealthCheck, settings

# a busy machine, or the first draw of a fresh clone, says nothing about what is tested
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
