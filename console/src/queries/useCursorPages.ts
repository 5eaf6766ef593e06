/**
 * Pages of a list that grows at its head. The server gives each page a cursor to the next one; the page shown stands
 * in the address as `cursor`. The way back is kept here: a cursor knows only what follows it.
 */
import { computed, ref, watch, type ComputedRef, type Ref } from "vue";
import { useRoute, useRouter } from "vue-router";

export interface CursorPages {
  /** Of the page shown; empty for the first. */
  cursor: ComputedRef<string>;
  /** From 1; null for a page that was linked to, of which nobody knows how many came before. */
  pageNumber: ComputedRef<number | null>;
  isFirst: ComputedRef<boolean>;
  next: (cursor: string) => void;
  previous: () => void;
}

export function useCursorPages(): CursorPages {
  const route = useRoute();
  const router = useRouter();
  const cursor = computed(() => (typeof route.query.cursor === "string" ? route.query.cursor : ""));
  const trail = useTrail(cursor);

  function show(wanted: string): void {
    const query = { ...route.query };
    delete query.cursor;
    void router.push({ query: wanted ? { ...query, cursor: wanted } : query });
  }

  return {
    cursor,
    pageNumber: computed(() => (trail.value[0] === "" ? trail.value.length : null)),
    isFirst: computed(() => cursor.value === ""),
    next: show,
    previous: () => { show(trail.value.at(-2) ?? ""); },
  };
}

function useTrail(cursor: Ref<string>): Ref<string[]> {
  const trail = ref([cursor.value]);
  watch(cursor, (now) => { trail.value = trailTo(now, trail.value); });
  return trail;
}

/** The cursors from the first page known to this one: back along the way that was come, or one step further. */
export function trailTo(cursor: string, trail: readonly string[]): string[] {
  if (cursor === "") return [""];
  const known = trail.indexOf(cursor);
  return known >= 0 ? trail.slice(0, known + 1) : [...trail, cursor];
}
