"""The models of a channel, as the file names them in its several ways."""

from smart_ai_router.config.model_kinds import kind_by_name
from smart_ai_router.config.resolved import lower_tags
from smart_ai_router.config.upstream_settings import ChannelSettings, ModelSettings
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.tags import parameter_count, routing_tags


def channel_models(channel: ChannelSettings, default_models: tuple[str, ...]) -> tuple[ChannelModel, ...]:
    """`model_name`, `configured_models` and `models`, then the aliases; else the catalogue's, each name once.

    An alias of a listed model is the same model under a second name; an alias of the same name as a listed model
    only tells what the provider calls it.
    """
    listed: dict[str, ModelSettings | None] = {}
    for name in (channel.model_name, *channel.configured_models):
        if name:
            listed.setdefault(name, None)
    for model in channel.models:
        listed[model.name] = model
    if not listed and not channel.model_aliases:
        listed = dict.fromkeys(default_models)
    upstream_names = {name: (model.upstream_name if model else "") or name for name, model in listed.items()}
    aliases = dict(channel.model_aliases)
    upstream_names |= aliases
    by_upstream = {model.upstream_name or model.name: model for model in channel.models}
    quality = channel.performance.quality_score
    return tuple(
        _model(public, upstream, listed.get(public) or by_upstream.get(upstream), quality)
        for public, upstream in upstream_names.items()
    )


def _model(public: str, upstream: str, settings: ModelSettings | None, quality: float | None) -> ChannelModel:
    own_tags = lower_tags(settings.tags) if settings else ()
    by_name = parameter_count(public) if public == upstream else parameter_count(public) or parameter_count(upstream)
    return ChannelModel(
        name=public,
        upstream_name=upstream,
        tags=tuple(dict.fromkeys((*routing_tags(public), *routing_tags(upstream), *own_tags))),
        parameter_count=(settings.parameters if settings else None) or by_name,
        context_tokens=settings.context_length if settings else None,
        output_tokens_max=settings.max_output if settings else None,
        kind=(settings.kind if settings else None) or kind_by_name(upstream),
        quality=settings.quality if settings and settings.quality is not None else quality,
    )
