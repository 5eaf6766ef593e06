/** What was paid in at a provider, page by page, the newest first. */
import { computed, ref } from "vue";
import { get, type Answer } from "@/api/client";
import type { CursorPages } from "@/queries/useCursorPages";
import { useQuery, type Query } from "@/queries/useQuery";

const RECHARGES_PATH = "/api/admin/billing/resource-pool/providers/{providerId}/recharges";
const PAGE_SIZE = 10;
export type RechargePage = Answer<typeof RECHARGES_PATH, "get">;

export interface Recharges {
  query: Query<RechargePage>;
  pages: CursorPages;
}

/** The server counts these pages from 0; nobody links to them, so they do not stand in the address. */
export function useRecharges(providerId: string): Recharges {
  const page = ref(0);
  const query = useQuery((signal) => get(RECHARGES_PATH, { path: { providerId }, query: { page: page.value, size: PAGE_SIZE }, signal }), page);
  const pages: CursorPages = {
    cursor: computed(() => String(page.value)),
    pageNumber: computed(() => page.value + 1),
    isFirst: computed(() => page.value === 0),
    next: () => { page.value += 1; },
    previous: () => { page.value -= 1; },
  };
  return { query, pages };
}
