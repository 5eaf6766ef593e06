/** Which models there are, whose, and whether they can be called. */
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";
import { useUrlFilters, type UrlFilters } from "@/queries/useUrlFilters";

export type Model = components["schemas"]["ModelFacts"];
export type Provider = components["schemas"]["ProviderFacts"];
export type ModelFilter = "providerId" | "status" | "name";

export interface Offer {
  providers: Provider[];
  models: Model[];
}

export interface Models extends UrlFilters<ModelFilter> {
  query: Query<Offer>;
  /** The id of the model that is open; empty for none. */
  opened: ComputedRef<string>;
  open: (id: string) => void;
}

export function noFilters(): Record<ModelFilter, string> {
  return { providerId: "", status: "", name: "" };
}

export function useModels(): Models {
  const route = useRoute();
  const router = useRouter();
  const query = useQuery(async (signal) => {
    const [providers, models] = await Promise.all([
      get("/api/admin/billing/providers", { signal }),
      get("/api/admin/billing/models", { signal }),
    ]);
    return { providers, models };
  });

  function open(id: string): void {
    const words = { ...route.query };
    delete words.model;
    void router.push({ query: id ? { ...words, model: id } : words });
  }

  const opened = computed(() => (typeof route.query.model === "string" ? route.query.model : ""));
  return { ...useUrlFilters(noFilters), query, opened, open };
}
