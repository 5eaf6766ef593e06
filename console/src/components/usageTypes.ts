/** What a call made, in the guide's words; a kind that is not known here is shown as the server wrote it. */
export const USAGE_TYPES = [
  "text_generation",
  "image_generation",
  "audio_tts",
  "audio_stt",
  "video_generation",
  "embedding",
  "rerank",
  "moderation",
] as const;

export function usageTypeKey(usageType: string): string {
  const isKnown = USAGE_TYPES.some((known) => known === usageType);
  return isKnown ? `components.usageTypes.${usageType}` : usageType;
}
