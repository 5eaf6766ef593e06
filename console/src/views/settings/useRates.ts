/** The exchange rates, newest first within each pair of currencies. */
import { get, send } from "@/api/client";
import type { components } from "@/api/schema";
import { amountField } from "@/exact";
import { useQuery, type Query } from "@/queries/useQuery";

const RATES_PATH = "/api/admin/billing/exchange-rates";
export type Rate = components["schemas"]["ExchangeRateFacts"];

export interface RateDraft {
  base: string;
  quote: string;
  rate: string;
  source: string;
}

export function useRates(): Query<Rate[]> {
  return useQuery(async (signal) => newestFirst(await get(RATES_PATH, { signal })));
}

/** By pairs of currencies, and in each the newest first. */
export function newestFirst(rates: readonly Rate[]): Rate[] {
  const pair = (rate: Rate) => `${rate.base} ${rate.quote}`;
  return [...rates].sort((one, other) => pair(one).localeCompare(pair(other)) || Date.parse(other.effectiveFrom) - Date.parse(one.effectiveFrom));
}

export async function addRate(draft: RateDraft, idempotencyKey: string): Promise<Rate[]> {
  const body = { base: draft.base.toUpperCase(), quote: draft.quote.toUpperCase(), rate: amountField(draft.rate), ...(draft.source ? { source: draft.source } : {}) };
  return send("post", RATES_PATH, { body, idempotencyKey });
}
