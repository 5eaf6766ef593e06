"""Providers that the router knows by name: where they are, how they speak, which key they take.

A channel whose provider stands here needs nothing but a key. With no file at all, a key in one of the well-known
variables is a channel. Addresses are those of the OpenAI-compatible interface. The models are a start for a machine
without a file: general ones that the provider's own list named in November 2026; a file may name any others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DEMO_PROVIDER: Final = "demo"
DEMO_CHANNEL: Final = "ch_demo"
DEMO_MODEL: Final = "demo-chat"


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """One row of the catalogue."""

    id: str
    display_name: str
    base_url: str
    variables: tuple[str, ...] = ()  # of the key; the first one that is set counts
    models: tuple[str, ...] = ()
    currency: str = "USD"
    region: str | None = None  # where prices or keys differ by region
    channel_name: str = ""  # of the channel that a variable makes
    is_local: bool = False  # runs on one's own machine: no key, no bill

    @property
    def default_channel_name(self) -> str:
        """The name of a channel that nobody has named."""
        return self.channel_name or self.display_name


_CLOUD: Final = (
    KnownProvider(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-5-mini", "gpt-5.4-mini", "text-embedding-3-small"),
        channel_name="OpenAI Official",
    ),
    KnownProvider(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        ("DEEPSEEK_API_KEY",),
        ("deepseek-v4-flash", "deepseek-v4-pro"),
    ),
    KnownProvider(
        "dashscope",
        "阿里云百炼 DashScope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_API_KEY",),
        ("qwen-plus", "qwen-max", "qwen-turbo", "text-embedding-v4"),
        currency="CNY",
    ),
    KnownProvider(
        "zhipu",
        "智谱 BigModel",
        "https://open.bigmodel.cn/api/paas/v4",
        ("ZHIPUAI_API_KEY", "ZHIPU_API_KEY", "BIGMODEL_API_KEY"),
        ("glm-4.7", "glm-5.3", "glm-4.5-air"),
        currency="CNY",
    ),
    KnownProvider(
        "moonshot",
        "月之暗面 Moonshot",
        "https://api.moonshot.cn/v1",
        ("MOONSHOT_API_KEY", "KIMI_API_KEY"),
        ("kimi-k2.6", "kimi-k3"),
        currency="CNY",
    ),
    KnownProvider(
        "doubao",
        "火山方舟 Ark",
        "https://ark.cn-beijing.volces.com/api/v3",
        ("ARK_API_KEY", "VOLCENGINE_API_KEY", "DOUBAO_API_KEY"),
        ("doubao-seed-1-6-250615", "doubao-seed-1-6-flash-250615"),
        currency="CNY",
    ),
    KnownProvider(
        "siliconflow",
        "硅基流动 SiliconFlow",
        "https://api.siliconflow.cn/v1",
        ("SILICONFLOW_API_KEY",),
        ("Qwen/Qwen3-8B", "deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V3.2"),
        currency="CNY",
    ),
    KnownProvider(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_KEY",),
        ("openai/gpt-oss-20b:free", "openai/gpt-oss-120b:free", "openai/gpt-4o-mini"),
    ),
    KnownProvider(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        ("GROQ_API_KEY",),
        ("openai/gpt-oss-20b", "openai/gpt-oss-120b", "llama-3.1-8b-instant", "llama-3.3-70b-versatile"),
    ),
    KnownProvider(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5"),
    ),
    KnownProvider(
        "google",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"),
    ),
    KnownProvider(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        ("MISTRAL_API_KEY",),
        ("mistral-small-latest", "mistral-medium-latest", "mistral-embed"),
    ),
    KnownProvider(
        "xai", "xAI", "https://api.x.ai/v1", ("XAI_API_KEY", "GROK_API_KEY"), ("grok-4.3", "grok-4.6", "grok-4.7")
    ),
    KnownProvider("zai", "Z.AI", "https://api.z.ai/api/paas/v4", ("ZAI_API_KEY",), ("glm-4.7", "glm-5.2")),
    KnownProvider("minimax", "MiniMax", "https://api.minimax.io/v1", models=("MiniMax-M2.7", "MiniMax-M3")),
    # Without a price list and so without models of their own: a file names the models and their prices.
    KnownProvider("hunyuan", "腾讯混元 Hunyuan", "https://api.hunyuan.cloud.tencent.com/v1", currency="CNY"),
    KnownProvider("qianfan", "百度千帆 Qianfan", "https://qianfan.baidubce.com/v2", currency="CNY"),
    KnownProvider("together", "Together AI", "https://api.together.xyz/v1"),
)

_LOCAL: Final = (
    KnownProvider("ollama", "Ollama", "http://127.0.0.1:11434/v1", is_local=True),
    KnownProvider("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", is_local=True),
    KnownProvider("vllm", "vLLM", "http://127.0.0.1:8000/v1", is_local=True),
)

# Other names under which people know a provider.
PROVIDER_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zhipuai": "zhipu",
        "bigmodel": "zhipu",
        "volcengine": "doubao",
        "ark": "doubao",
        "kimi": "moonshot",
        "moonshotai": "moonshot",
        "gemini": "google",
        "x-ai": "xai",
        "qwen": "dashscope",
        "aliyun": "dashscope",
        "lm-studio": "lmstudio",
        "lm_studio": "lmstudio",
    }
)

KNOWN_PROVIDERS: Final[Mapping[str, KnownProvider]] = MappingProxyType({row.id: row for row in (*_CLOUD, *_LOCAL)})
# Hosts of providers with a dialect of their own that also answer the OpenAI dialect, and where.
OPENAI_COMPATIBLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api.anthropic.com": "https://api.anthropic.com/v1",
        "generativelanguage.googleapis.com": "https://generativelanguage.googleapis.com/v1beta/openai",
    }
)


def known_provider(provider_id: str) -> KnownProvider | None:
    """The catalogue's row for a name, in any case and by its synonyms."""
    name = provider_id.lower()
    return KNOWN_PROVIDERS.get(PROVIDER_SYNONYMS.get(name, name))
