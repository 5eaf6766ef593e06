/** Filters that live in the address, so that what one sees can be linked, bookmarked and gone back to. */
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter, type LocationQuery } from "vue-router";

export type Filters<K extends string> = Readonly<Record<K, string>>;

export interface UrlFilters<K extends string> {
  filters: ComputedRef<Filters<K>>;
  /** Set some; the list begins anew at its first page. */
  apply: (patch: Partial<Record<K, string>>) => void;
  reset: () => void;
}

const PAGING = "cursor";

/** `defaults` names the filters; a value that equals its default, or is empty there, stays out of the address. */
export function useUrlFilters<K extends string>(defaults: () => Record<K, string>): UrlFilters<K> {
  const route = useRoute();
  const router = useRouter();
  const filters = computed(() => filtersOf(route.query, defaults()));

  function apply(patch: Partial<Record<K, string>>): void {
    const query = queryOf(route.query, { ...filters.value, ...patch }, defaults());
    void router.push({ query });
  }

  return { filters, apply, reset: () => { apply(defaults()); } };
}

/** What an address says of the filters. */
export function filtersOf<K extends string>(query: LocationQuery, defaults: Record<K, string>): Record<K, string> {
  const found = { ...defaults };
  for (const name of Object.keys(defaults) as K[]) {
    const said = query[name];
    if (typeof said === "string") found[name] = said;
  }
  return found;
}

/** The address for some filters: others' words stay, the page within the list goes. */
export function queryOf<K extends string>(
  query: LocationQuery,
  filters: Record<K, string>,
  defaults: Record<K, string>,
): LocationQuery {
  const kept = Object.entries(query).filter(([name]) => !(name in defaults) && name !== PAGING);
  const said = (Object.keys(defaults) as K[])
    .filter((name) => filters[name] !== defaults[name])
    .map((name) => [name, filters[name].trim()]);
  return Object.fromEntries([...kept, ...said]) as LocationQuery;
}

/** The filters that say something, as a query to the server. */
export function setFilters(filters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ""));
}
