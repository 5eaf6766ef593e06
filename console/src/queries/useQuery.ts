/** A question to the server and what is known of its answer: loading, answer, refusal, time of data. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef, type WatchSource } from "vue";
import { ApiError } from "../api/client";

export interface Query<T> {
  /** The last answer; it stays while a newer one is on its way. */
  data: ShallowRef<T | null>;
  error: ShallowRef<ApiError | null>;
  isLoading: Ref<boolean>;
  loadedAt: ShallowRef<Date | null>;
  refresh: () => Promise<void>;
}

/** Ask now, when `asked` changes, and on `refresh`; a question that is asked anew takes the place of the former. */
export function useQuery<T>(load: (signal: AbortSignal) => Promise<T>, asked?: WatchSource<unknown>): Query<T> {
  const data = shallowRef<T | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const isLoading = ref(false);
  const loadedAt = shallowRef<Date | null>(null);
  let running = new AbortController();

  async function refresh(): Promise<void> {
    running.abort();
    const mine = (running = new AbortController());
    isLoading.value = true;
    try {
      const answer = await load(mine.signal);
      if (mine.signal.aborted) return;
      data.value = answer;
      error.value = null;
      loadedAt.value = new Date();
    } catch (cause) {
      if (mine.signal.aborted) return;
      if (!(cause instanceof ApiError)) throw cause;
      error.value = cause;
    } finally {
      if (!mine.signal.aborted) isLoading.value = false;
    }
  }

  if (asked) watch(asked, refresh, { immediate: true });
  else void refresh();
  onScopeDispose(() => running.abort());
  return { data, error, isLoading, loadedAt, refresh };
}
