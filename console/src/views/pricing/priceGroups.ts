/** Prices by provider, narrowed to what is asked for; the kinds of use that they are for. */
import type { Price, PriceFilter } from "./usePricing";

/** The guide's kinds of use, by what is counted. Both sound and pictures that move are sold by the second. */
export const KINDS = ["text", "image", "audio", "video", "other"] as const;
export type Kind = (typeof KINDS)[number];

const KIND_OF: Readonly<Record<string, Kind>> = {
  image: "image",
  image_input_token: "image",
  image_output_token: "image",
  audio_input_token: "audio",
  audio_output_token: "audio",
  character: "audio",
  minute: "audio",
  second: "video",
  request: "other",
  search_call: "other",
};

export interface PriceGroup {
  providerId: string;
  providerName: string;
  prices: Price[];
}

export function kindOf(meter: string): Kind {
  return KIND_OF[meter] ?? (meter.endsWith("_token") ? "text" : "other");
}

/** In the server's order. */
export function groupPrices(prices: readonly Price[], filters: Readonly<Record<PriceFilter, string>>): PriceGroup[] {
  const groups = new Map<string, PriceGroup>();
  for (const price of prices) {
    if (!isAskedFor(price, filters)) continue;
    const { providerId, providerName } = price;
    const group = groups.get(providerId) ?? { providerId, providerName, prices: [] };
    group.prices.push(price);
    groups.set(providerId, group);
  }
  return [...groups.values()];
}

/** Versions of one and the same figure of one price list. */
export function isSameFigure(one: Price, other: Price): boolean {
  return figureKey(one) === figureKey(other);
}

/** True for a price that applies to some calls only; such a one is changed by importing a list. */
export function isConditional(price: Price): boolean {
  return price.contextOver > 0 || price.outputOver > 0 || price.withReasoning || price.windowUtc !== null;
}

function figureKey(price: Price): string {
  const list = [price.providerId, price.modelId.toLowerCase(), price.channelId, price.region, price.meter];
  const terms = [price.serviceTier, price.variant, price.contextOver, price.outputOver, price.withReasoning];
  return JSON.stringify([...list, ...terms, price.windowUtc, price.weekdaysUtc]);
}

function isAskedFor(price: Price, { providerId, kind, name }: Readonly<Record<PriceFilter, string>>): boolean {
  const names = [price.modelId, ...price.models].map((each) => each.toLowerCase());
  return (
    (providerId === "" || price.providerId === providerId) &&
    (kind === "" || kindOf(price.meter) === kind) &&
    names.some((each) => each.includes(name.toLowerCase()))
  );
}
