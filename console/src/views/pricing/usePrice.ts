/** One price version, and all versions of its figure: what it was, is and will be. */
import type { Ref } from "vue";
import { get } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";
import { isSameFigure } from "./priceGroups";
import { PRICING_PATH, type Price } from "./usePricing";

export interface PriceHistory {
  price: Price;
  /** The newest first; the price itself is among them. */
  versions: Price[];
}

export function usePrice(id: Ref<string>): Query<PriceHistory> {
  return useQuery(async (signal) => {
    const price = await get("/api/admin/billing/pricing/{pricingId}", { path: { pricingId: id.value }, signal });
    const { providerId, modelId, pricingType } = price;
    const all = await get(PRICING_PATH, { query: { providerId, modelId, pricingType, inForce: false }, signal });
    return { price, versions: all.filter((version) => isSameFigure(version, price)) };
  }, id);
}
