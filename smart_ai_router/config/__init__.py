"""File and environment in, one frozen `Settings` out."""
