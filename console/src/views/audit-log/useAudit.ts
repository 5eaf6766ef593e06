/** Who did what, newest first: the filters, the page and the entry that is open stand in the address. */
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get, type Answer } from "@/api/client";
import type { components } from "@/api/schema";
import { shiftDay, startOfDay } from "@/days";
import { useCursorPages, type CursorPages } from "@/queries/useCursorPages";
import { useQuery, type Query } from "@/queries/useQuery";
import { setFilters, useUrlFilters, type UrlFilters } from "@/queries/useUrlFilters";
import { session } from "@/session";

const AUDIT_PATH = "/api/admin/audit";
export const EXPORT_PATH = "/api/admin/audit/export";
export type AuditEntry = components["schemas"]["AuditFacts"];
export type AuditPage = Answer<typeof AUDIT_PATH, "get">;
export type AuditFilter = "actor" | "action" | "subject" | "startDate" | "endDate";

const PAGE_SIZE = 50;

export interface Audit extends UrlFilters<AuditFilter> {
  query: Query<AuditPage>;
  pages: CursorPages;
  /** The question as the server takes it, without the page. */
  asked: ComputedRef<Record<string, string>>;
  opened: ComputedRef<AuditEntry | null>;
  open: (number: number | null) => void;
}

export function noFilters(): Record<AuditFilter, string> {
  return { actor: "", action: "", subject: "", startDate: "", endDate: "" };
}

/** Filters as a question: days become moments, the second of which is not included. */
export function auditQuestion(filters: Readonly<Record<AuditFilter, string>>, timeZone: string | undefined): Record<string, string> {
  const { actor, action, subject, startDate, endDate } = filters;
  return setFilters({
    actor,
    action,
    subject,
    from: startDate && startOfDay(startDate, timeZone),
    to: endDate && startOfDay(shiftDay(endDate, 1), timeZone),
  });
}

export function useAudit(): Audit {
  const route = useRoute();
  const router = useRouter();
  const urlFilters = useUrlFilters(noFilters);
  const pages = useCursorPages();
  const asked = computed(() => auditQuestion(urlFilters.filters.value, session.value?.timeZone));
  const query = useQuery(
    (signal) => get(AUDIT_PATH, { query: { ...asked.value, ...setFilters({ cursor: pages.cursor.value }), limit: PAGE_SIZE }, signal }),
    () => JSON.stringify([asked.value, pages.cursor.value]),
  );

  function open(number: number | null): void {
    const words = { ...route.query };
    delete words.entry;
    void router.push({ query: number === null ? words : { ...words, entry: String(number) } });
  }

  const opened = computed(() => query.data.value?.entries.find((entry) => String(entry.number) === route.query.entry) ?? null);
  return { ...urlFilters, query, pages, asked, opened, open };
}
