"""Settings as the policies that other rooms decide by."""

from dataclasses import fields
from typing import Final

from smart_ai_router.config.binding import listens_on_loopback_only
from smart_ai_router.config.settings import Settings
from smart_ai_router.core.snapshot import AccessPolicy, RoutingPolicy
from smart_ai_router.domain.alert_rules import AlertRules

MILLION: Final = 1_000_000


def routing_policy(settings: Settings) -> RoutingPolicy:
    """How candidates are ordered and failures are handled."""
    routing, filters = settings.routing, settings.routing.model_filters
    cooldown_s = routing.error_handling.cooldown_periods.server_error
    return RoutingPolicy(
        strategy=routing.default_strategy,
        fallback=routing.enable_fallback,
        attempts_max=routing.max_retry_attempts,
        cooldown_s=routing.error_cooldown_period if cooldown_s is None else cooldown_s,
        sorting_strategies=tuple(
            (strategy.name, tuple((rule.field, rule.weight, rule.order) for rule in strategy.items))
            for strategy in routing.sorting_strategies
        ),
        context_tokens_min=filters.min_context_length or None,
        parameter_count_min=filters.min_parameter_count * MILLION or None,
        exclude_embedding_models=filters.exclude_embedding_models,
        exclude_vision_only_models=filters.exclude_vision_only_models,
        unpriced_models=routing.unpriced_models,
        client_gone=routing.client_gone,
        drain_s=routing.drain_timeout,
    )


def access_policy(settings: Settings) -> AccessPolicy:
    """Who may call: a call without a key only from this machine, and only while nothing says otherwise."""
    auth = settings.auth
    anonymous = listens_on_loopback_only(settings) if auth.anonymous_loopback is None else auth.anonymous_loopback
    return AccessPolicy(
        anonymous_loopback=anonymous and not auth.enabled,
        keys_required=auth.enabled,
        cross_origins=settings.server.cors_origins,
    )


def alert_rules(settings: Settings) -> AlertRules:
    """When channels alarm."""
    monitoring = settings.monitoring
    return AlertRules(
        errors_before_alert=monitoring.errors_before_alert,
        error_window_s=monitoring.error_window,
        cooldown_s=monitoring.alert_cooldown,
        error_rate_percent=monitoring.error_rate_percent,
        error_rate_resolved_percent=monitoring.error_rate_resolved_percent,
        error_rate_calls_min=monitoring.error_rate_calls_min,
    )


def notifier_entries(settings: Settings) -> list[dict[str, object]]:
    """The notifiers that are on, each as a mapping with its `type` and what was given of it."""
    entries = []
    for notifier in settings.monitoring.alerts.notifiers:
        if notifier.enabled:
            given = {each.name: getattr(notifier, each.name) for each in fields(notifier) if each.name != "enabled"}
            is_mail = notifier.type == "smtp"
            entries.append({key: value for key, value in given.items() if value and (is_mail or key != "security")})
    return entries
