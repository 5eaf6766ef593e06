/** The list that is looked at: users, keys or administrators; which one, and its page, stand in the address. */
import { computed, type WritableComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useCursorPages, type CursorPages } from "@/queries/useCursorPages";
import { useQuery, type Query } from "@/queries/useQuery";

type Facts = components["schemas"];
export const TABS = ["users", "keys", "administrators"] as const;
export type Tab = (typeof TABS)[number];

export interface Listing {
  tab: Tab;
  users: Facts["UserFacts"][];
  keys: Facts["KeyFacts"][];
  administrators: Facts["AdministratorFacts"][];
  nextCursor: string | null;
}

export interface Listings {
  tab: WritableComputedRef<Tab>;
  query: Query<Listing>;
  pages: CursorPages;
}

const PAGE_SIZE = 50;

export function useListing(): Listings {
  const route = useRoute();
  const router = useRouter();
  const pages = useCursorPages();
  const tab = computed<Tab>({
    get: () => TABS.find((each) => each === route.query.tab) ?? "users",
    set: (chosen) => void router.push({ query: chosen === "users" ? {} : { tab: chosen } }), // begins at its first page
  });

  async function load(signal: AbortSignal): Promise<Listing> {
    const query = { cursor: pages.cursor.value, limit: PAGE_SIZE };
    const nothing = { tab: tab.value, users: [], keys: [], administrators: [], nextCursor: null };
    if (tab.value === "users") return { ...nothing, ...(await get("/api/admin/users", { query, signal })) };
    if (tab.value === "keys") return { ...nothing, ...(await get("/api/admin/keys", { query, signal })) };
    return { ...nothing, ...(await get("/api/admin/administrators", { signal })) };
  }

  return { tab, pages, query: useQuery(load, () => `${tab.value} ${pages.cursor.value}`) };
}
