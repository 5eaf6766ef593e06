"""What no single value can say: whether the settings agree with one another."""

from collections.abc import Mapping
from typing import Final

from smart_ai_router.config.catalogue import KNOWN_PROVIDERS, PROVIDER_SYNONYMS
from smart_ai_router.config.channel_prices import default_per
from smart_ai_router.config.channels import is_placeholder
from smart_ai_router.config.problems import MAKE_KEY, Notice, Problem, did_you_mean, mask, problem_at, shorten
from smart_ai_router.config.resolved import resolve_providers
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.table.upstreams import PRICE_WORDS
from smart_ai_router.config.tree import DEFAULT_ORIGIN, Origin
from smart_ai_router.config.upstream_settings import ChannelSettings, PriceSettings
from smart_ai_router.domain.routing_scores import BUILT_IN_STRATEGIES, StrategyUnknown, choose_strategy

TOKEN_LENGTH_MIN: Final = 16  # a made key has 43; shorter ones can be guessed
_MAKE_TOKEN: Final = f"make one with: {MAKE_KEY}"
_NOTIFIER_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "console": (),
    "webhook": ("url", "secret"),
    "dingtalk": ("url",),
    "feishu": ("url",),
    "wecom": ("url",),
    "slack": ("url",),
    "smtp": ("host", "sender", "recipients"),
    "apprise": ("urls",),
    "custom": ("factory",),
}


def check_meaning(settings: Settings, origins: Mapping[str, Origin]) -> tuple[list[Problem], list[Notice]]:
    """Problems and notices of settings that are each readable."""
    check = _Check(settings, origins)
    check.auth()
    check.channels()
    for provider in settings.providers:
        check.prices(provider.prices, f"providers.{provider.id}.prices")
    check.routing()
    check.monitoring()
    check.money()
    return check.problems, check.notices


class _Check:
    def __init__(self, settings: Settings, origins: Mapping[str, Origin]) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Notice] = []
        self._settings = settings
        self._origins = origins

    def auth(self) -> None:
        auth = self._settings.auth
        tokens = [
            ("auth.api_token", auth.api_token),
            ("auth.admin.admin_token", auth.admin.admin_token),
            *((f"auth.keys[{index}].key", key.key) for index, key in enumerate(auth.keys)),
        ]
        seen: dict[str, str] = {}
        for path, token in tokens:
            if not token:
                continue
            if is_placeholder(token):
                self._problem(path, "is the template's placeholder, which everybody knows", mask(token), _MAKE_TOKEN)
            elif len(token) < TOKEN_LENGTH_MIN:
                message = f"has {len(token)} characters; a key that cannot be guessed has at least {TOKEN_LENGTH_MIN}"
                self._problem(path, message, mask(token), _MAKE_TOKEN)
            if token in seen:
                self._problem(path, f"is the same as {seen[token]}; each needs its own", mask(token))
            seen.setdefault(token, path)
        names = [key.name for key in auth.keys]
        for index, name in enumerate(names):
            if name in names[:index]:
                self._problem(f"auth.keys[{index}].name", "stands twice", shorten(name))

    def channels(self) -> None:
        settings = self._settings
        providers = resolve_providers(settings)
        known = (*(each.id for each in settings.providers), *KNOWN_PROVIDERS, *PROVIDER_SYNONYMS)
        ids: dict[str, str] = {}
        for index, channel in enumerate(settings.channels):
            path = f"channels[{index}]"
            provider = providers.get(channel.provider)
            if provider is None:
                suggestion = did_you_mean(channel.provider, known) or "describe it under providers, with its base_url"
                message = "is neither under providers nor in the built-in catalogue"
                self._problem(f"{path}.provider", message, shorten(channel.provider), suggestion)
                continue
            if not channel.base_url and not provider.base_urls:
                message = f"the provider {provider.id} has no base_url"
                self._problem(f"{path}.provider", message, "", f"set providers.{provider.id}.base_url")
            if channel.id in ids:
                message = f"is also the id of {ids[channel.id]}; records and alerts tell channels apart by it"
                self._problem(f"{path}.id", message, shorten(channel.id))
            ids.setdefault(channel.id, path)
            self.prices(channel.prices, f"{path}.prices")
            self._exchange(channel, path)
            if channel.cost_per_token.input is not None and channel.pricing.input_cost_per_1k is not None:
                self._notice(f"{path}.pricing", "has no effect, because cost_per_token goes before it")

    def prices(self, prices: tuple[PriceSettings, ...], path: str) -> None:
        for price in prices:
            given = [meter for word, meter in PRICE_WORDS.items() if getattr(price, word) is not None]
            inner = f"{path}.{price.model}"
            if not given:
                self._problem(inner, f"has no price; it takes {', '.join(list(PRICE_WORDS)[:3])} and so on")
            if price.per is not None and len({default_per(meter) for meter in given}) > 1:
                message = "is ambiguous: the prices are for tokens and for other things"
                self._problem(
                    f"{inner}.per", message, str(price.per), "leave it out: 1000000 for tokens, 1 for the rest"
                )
            if price.model.count("*") > 1:
                self._problem(inner, "has more than one *; a pattern has one")

    def routing(self) -> None:
        routing = self._settings.routing
        strategies = tuple(
            (strategy.name, tuple((rule.field, rule.weight, rule.order) for rule in strategy.items))
            for strategy in routing.sorting_strategies
        )
        names = (*(name for name, _ in strategies), *BUILT_IN_STRATEGIES)
        if routing.default_strategy not in names:
            suggestion = did_you_mean(routing.default_strategy, names) or f"there are {', '.join(dict.fromkeys(names))}"
            self._problem(
                "routing.default_strategy", "is not a strategy", shorten(routing.default_strategy), suggestion
            )
        for name, _ in strategies:
            try:
                choose_strategy(name, strategies)
            except StrategyUnknown as error:
                self._problem(f"routing.sorting_strategies.{name}", str(error))

    def monitoring(self) -> None:
        monitoring = self._settings.monitoring
        if monitoring.error_rate_resolved_percent > monitoring.error_rate_percent:
            message = f"must not exceed error_rate_percent ({monitoring.error_rate_percent:g})"
            value = f"{monitoring.error_rate_resolved_percent:g}"
            self._problem("monitoring.error_rate_resolved_percent", message, value)
        names: set[str] = set()
        for index, notifier in enumerate(monitoring.alerts.notifiers):
            path = f"monitoring.alerts.notifiers[{index}]"
            for need in _NOTIFIER_NEEDS[notifier.type]:
                if notifier.enabled and not getattr(notifier, need):
                    self._problem(f"{path}.{need}", f"is missing; {notifier.type} needs it")
            name = notifier.name or notifier.type
            if name in names:
                self._problem(f"{path}.name", "stands twice; give each notifier its own name", shorten(name))
            names.add(name)

    def money(self) -> None:
        settings = self._settings
        cost = settings.cost_control
        if cost.alert_threshold > 1:
            self._problem("cost_control.alert_threshold", "is a share between 0 and 1", str(cost.alert_threshold))
        for index, rate in enumerate(settings.prices.exchange_rates):
            if rate.from_ == rate.to:
                self._problem(f"prices.exchange_rates[{index}]", "exchanges a currency for itself", rate.to)
        known = {frozenset((rate.from_, rate.to)) for rate in settings.prices.exchange_rates}
        is_other = cost.global_daily_budget is not None and cost.currency != settings.system.currency
        if is_other and frozenset((cost.currency, settings.system.currency)) not in known:
            message = f"differs from system.currency ({settings.system.currency}), and no exchange rate is given"
            self._problem("cost_control.currency", message, cost.currency, "add one to prices.exchange_rates")

    def _exchange(self, channel: ChannelSettings, path: str) -> None:
        exchange = channel.currency_exchange
        given = (exchange.from_, exchange.to, exchange.rate)
        if any(each is not None for each in given) and any(each is None for each in given):
            missing = [name for name, each in zip(("from", "to", "rate"), given, strict=True) if each is None]
            self._problem(f"{path}.currency_exchange", f"needs {' and '.join(missing)} too")

    def _problem(self, path: str, message: str, value: str = "", suggestion: str = "") -> None:
        self.problems.append(problem_at(self._origin(path), path, message, value, suggestion))

    def _notice(self, path: str, message: str) -> None:
        self.notices.append(Notice(path, message, str(self._origin(path))))

    def _origin(self, path: str) -> Origin:
        """Where the path, or what it is part of, was written."""
        while path:
            if path in self._origins:
                return self._origins[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return DEFAULT_ORIGIN
