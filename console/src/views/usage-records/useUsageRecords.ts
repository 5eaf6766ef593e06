/** Which calls were made: the filters and the page stand in the address, the server finds and counts. */
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get, type Answer } from "@/api/client";
import type { components } from "@/api/schema";
import { useCursorPages, type CursorPages } from "@/queries/useCursorPages";
import { useQuery, type Query } from "@/queries/useQuery";
import { setFilters, useUrlFilters, type UrlFilters } from "@/queries/useUrlFilters";

const RECORDS_PATH = "/api/admin/billing/usage/records";
export const EXPORT_PATH = "/api/admin/billing/usage/records/export";
export type UsageRecord = components["schemas"]["UsageRecordFacts"];
export type UsageRecordPage = Answer<typeof RECORDS_PATH, "get">;
export type RecordFilter = "userId" | "providerId" | "modelId" | "usageType" | "status" | "startDate" | "endDate";

const PAGE_SIZE = 20;

export interface UsageRecords extends UrlFilters<RecordFilter> {
  query: Query<UsageRecordPage>;
  pages: CursorPages;
  /** The request id of the record that is open; empty for none. */
  opened: ComputedRef<string>;
  open: (requestId: string) => void;
}

export function noFilters(): Record<RecordFilter, string> {
  return { userId: "", providerId: "", modelId: "", usageType: "", status: "", startDate: "", endDate: "" };
}

export function useUsageRecords(): UsageRecords {
  const route = useRoute();
  const router = useRouter();
  const urlFilters = useUrlFilters(noFilters);
  const pages = useCursorPages();
  const asked = computed(() => ({
    ...setFilters({ ...urlFilters.filters.value, cursor: pages.cursor.value }),
    size: PAGE_SIZE,
  }));
  const query = useQuery(
    (signal) => get(RECORDS_PATH, { query: asked.value, signal }),
    () => JSON.stringify(asked.value),
  );

  function open(requestId: string): void {
    const words = { ...route.query };
    delete words.record;
    void router.push({ query: requestId ? { ...words, record: requestId } : words });
  }

  const opened = computed(() => (typeof route.query.record === "string" ? route.query.record : ""));
  return { ...urlFilters, query, pages, opened, open };
}
