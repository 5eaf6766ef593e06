/** Which prices there are for the configured models: those in force, or all versions with their dates. */
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";
import { useUrlFilters, type UrlFilters } from "@/queries/useUrlFilters";

export const PRICING_PATH = "/api/admin/billing/pricing";
export type Price = components["schemas"]["PricingRow"];
/** `versions` is empty for those in force, `all` for past and future ones too. */
export type PriceFilter = "providerId" | "kind" | "name" | "versions";

export interface Pricing extends UrlFilters<PriceFilter> {
  query: Query<Price[]>;
  /** The id of the version that is open; empty for none. */
  opened: ComputedRef<string>;
  open: (id: string) => void;
}

export function noFilters(): Record<PriceFilter, string> {
  return { providerId: "", kind: "", name: "", versions: "" };
}

export function usePricing(): Pricing {
  const route = useRoute();
  const router = useRouter();
  const urlFilters = useUrlFilters(noFilters);
  const inForce = computed(() => urlFilters.filters.value.versions !== "all");
  const query = useQuery((signal) => get(PRICING_PATH, { query: { inForce: inForce.value }, signal }), inForce);

  function open(id: string): void {
    const words = { ...route.query };
    delete words.price;
    void router.push({ query: id ? { ...words, price: id } : words });
  }

  const opened = computed(() => (typeof route.query.price === "string" ? route.query.price : ""));
  return { ...urlFilters, query, opened, open };
}
