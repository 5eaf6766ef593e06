"""Paths of the control plane that the administrator's token is not needed for."""

TO_EVERYBODY = frozenset(("/api/admin/login", "/api/admin/auth/login", "/api/admin/logout", "/api/admin/me"))
TO_USERS = frozenset(("/api/billing/statistics/me",))  # a user's own figures, by the user's own key
