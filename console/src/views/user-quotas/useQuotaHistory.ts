/** What was given to one part of a user's quota, and taken of it, page by page. */
import { computed, type Ref } from "vue";
import { get, type Answer } from "@/api/client";
import { useCursorPages, type CursorPages } from "@/queries/useCursorPages";
import { useQuery, type Query } from "@/queries/useQuery";
import { setFilters } from "@/queries/useUrlFilters";

const HISTORY_PATH = "/api/admin/billing/quota/users/{userId}/history";
const PAGE_SIZE = 20;
export type QuotaHistoryPage = Answer<typeof HISTORY_PATH, "get">;

export interface HistoryFilters {
  quotaType: string;
  /** Empty for the permanent part. */
  month: string;
}

export interface QuotaHistoryPages {
  query: Query<QuotaHistoryPage>;
  pages: CursorPages;
}

export function useQuotaHistory(userId: Ref<string>, filters: Ref<Readonly<HistoryFilters>>): QuotaHistoryPages {
  const pages = useCursorPages();
  const asked = computed(() => {
    const { quotaType, month } = filters.value;
    return { ...setFilters({ quotaType, month, cursor: pages.cursor.value }), limit: PAGE_SIZE };
  });
  const query = useQuery(
    (signal) => get(HISTORY_PATH, { path: { userId: userId.value }, query: asked.value, signal }),
    () => JSON.stringify([userId.value, asked.value]),
  );
  return { query, pages };
}
