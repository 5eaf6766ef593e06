/** What is typed into the form of a new version, and the requests that it becomes. */
import { amountField, exactPlaces, isAmount, plainDigits, type RawNumber } from "@/exact";
import { momentIn } from "./serverMoment";
import type { Price } from "./usePricing";

/** The guide's pricing types with the units that measure them; the words of price lists, `image` among them, have theirs within. */
export const UNITS: Readonly<Record<string, readonly string[]>> = {
  input_token: ["per_1m_tokens", "per_1k_tokens"],
  output_token: ["per_1m_tokens", "per_1k_tokens"],
  audio_tts: ["per_10k_chars"],
  audio_minute: ["per_minute"],
  video_second: ["per_second", "per_second_720p", "per_second_1080p"],
};
export const LIST_WORDS = [
  "image", "cached_input", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input", "audio_output",
  "image_input", "image_output", "character", "request", "search_call",
] as const;
export const PRICING_TYPES: readonly string[] = [...Object.keys(UNITS), ...LIST_WORDS];

export interface PriceDraft {
  providerId: string;
  modelId: string;
  pricingType: string;
  /** Empty for a type that has its unit within. */
  unit: string;
  unitPrice: string;
  currency: string;
  minChargeUnit: string;
  /** By the server's clock, `2026-12-01T00:00:00`; empty for at once. */
  effective: string;
  /** Empty for no end. */
  expiry: string;
}

type Body = Record<string, string | boolean | RawNumber | null>;

export function emptyDraft(providerId = ""): PriceDraft {
  const [pricingType = "", units = []] = Object.entries(UNITS)[0] ?? [];
  return {
    providerId, modelId: "", pricingType, unit: units[0] ?? "", unitPrice: "", currency: "", minChargeUnit: "", effective: "", expiry: "",
  };
}

/** The form as it stands for a new version of a price. */
export function draftOf(price: Price): PriceDraft {
  return {
    providerId: price.providerId,
    modelId: price.models[0] ?? price.modelId,
    pricingType: price.pricingType,
    unit: price.unit,
    unitPrice: plainDigits(price.unitPrice),
    currency: price.currency,
    minChargeUnit: price.minChargeUnit === null ? "" : plainDigits(price.minChargeUnit),
    effective: "",
    expiry: "",
  };
}

/** What is still wrong with it, by the name of its text; null when the server can be asked. */
export function flawOf(draft: PriceDraft): "provider" | "model" | "price" | "minimum" | null {
  if (!draft.providerId) return "provider";
  if (!draft.modelId.trim()) return "model";
  if (!isPrice(draft.unitPrice)) return "price";
  return draft.minChargeUnit !== "" && !isPrice(draft.minChargeUnit) ? "minimum" : null;
}

/** The request for a price; `edited` brings along whose price it is. */
export function pricingBody(draft: PriceDraft, timeZone: string | undefined, edited: Price | null): Body {
  const word = edited && !UNITS[draft.pricingType]?.includes(draft.unit) ? listWord(edited) : draft.pricingType;
  return {
    ...changeBody(draft, timeZone),
    providerId: draft.providerId,
    modelId: draft.modelId.trim(),
    pricingType: word,
    unit: UNITS[word] ? draft.unit : null,
    ...(edited && { channelId: edited.channelId, region: edited.region, serviceTier: edited.serviceTier }),
  };
}

/** The request for a new version of a figure that stands. */
export function changeBody(draft: PriceDraft, timeZone: string | undefined): Body {
  return {
    unitPrice: amountField(draft.unitPrice.trim()),
    minChargeUnit: draft.minChargeUnit === "" ? null : amountField(draft.minChargeUnit.trim()),
    ...(draft.currency.trim() && { currency: draft.currency.trim().toUpperCase() }),
    ...(draft.effective && { effectiveDate: momentIn(timeZone, draft.effective) }),
    ...(draft.expiry && { expiryDate: momentIn(timeZone, draft.expiry) }),
  };
}

/** True when the form can say what this price is for; the others are changed by the command line or a list. */
export function isExpressible(price: Price): boolean {
  if (UNITS[price.pricingType]?.includes(price.unit)) return true;
  if (price.variant !== "" || price.roundUpTo !== null || price.minChargeUnit !== null) return false;
  return price.per === (price.meter.endsWith("_token") ? 1_000_000 : 1);
}

function listWord(price: Price): string {
  return price.meter.replace(/_token$/, "");
}

function isPrice(text: string): boolean {
  const digits = text.trim();
  return isAmount(digits) && !digits.startsWith("-") && exactPlaces(digits) <= 30;
}
