"""Parameters that several billing routes share."""

from typing import Annotated, Final

from fastapi import Query

TEXT_CHARACTERS_MAX: Final = 512

UserId = Annotated[str | None, Query(alias="userId", max_length=TEXT_CHARACTERS_MAX, description="用户 ID")]
ProviderId = Annotated[str | None, Query(alias="providerId", max_length=TEXT_CHARACTERS_MAX, description="提供商 ID")]
ModelId = Annotated[str | None, Query(alias="modelId", max_length=TEXT_CHARACTERS_MAX, description="模型 ID")]
ChannelId = Annotated[str | None, Query(alias="channelId", max_length=TEXT_CHARACTERS_MAX, description="渠道 ID")]
ApiKeyId = Annotated[
    str | None, Query(alias="apiKeyId", max_length=TEXT_CHARACTERS_MAX, description="API 密钥 ID；须同时给出 userId")
]
UsageTypeOf = Annotated[str | None, Query(alias="usageType", max_length=TEXT_CHARACTERS_MAX, description="使用类型")]
StartDate = Annotated[str | None, Query(alias="startDate", description="开始日期 YYYY-MM-DD，含")]
EndDate = Annotated[str | None, Query(alias="endDate", description="结束日期 YYYY-MM-DD，含")]
