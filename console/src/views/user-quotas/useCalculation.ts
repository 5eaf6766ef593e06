/** What a grant to everybody would cost at a provider, and how many users its pool can serve. */
import type { Ref } from "vue";
import { get, type Answer } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

const CALCULATION_PATH = "/api/admin/billing/quota/calculate";
export type Calculation = Answer<typeof CALCULATION_PATH, "get">;

/** What every user is to be given, as digits, and the provider that is to pay for it. */
export interface Batch {
  provider: string;
  tokens: string;
  images: string;
}

/** Null while nothing is asked. */
export function useCalculation(asked: Ref<Batch | null>): Query<Calculation | null> {
  return useQuery(async (signal) => {
    if (!asked.value) return null;
    const { provider, tokens, images } = asked.value;
    return get(CALCULATION_PATH, { query: { provider, textTokenPerUser: tokens, imageCountPerUser: images }, signal });
  }, asked);
}
