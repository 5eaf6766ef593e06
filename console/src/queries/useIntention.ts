/**
 * Something that must happen once. A second click while it is under way does nothing. Until the server has said that it
 * is done, the same deed goes out under the same key, also after a lost answer, a new login or a reload of the page, so
 * that the server can tell a repetition from a new deed.
 */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError, newIdempotencyKey } from "../api/client";

const STORED = "console.pending.";

export interface Intention {
  isBusy: Ref<boolean>;
  /** Why the last try was refused, or that its answer got lost. */
  error: ShallowRef<ApiError | null>;
  /** Do it, unless it is under way; `what` tells this deed from every other. Null when nothing was answered. */
  once: <T>(what: readonly unknown[], deed: (key: string) => Promise<T>) => Promise<T | null>;
}

export function useIntention(): Intention {
  const isBusy = ref(false);
  const error = shallowRef<ApiError | null>(null);

  async function once<T>(what: readonly unknown[], deed: (key: string) => Promise<T>): Promise<T | null> {
    if (isBusy.value) return null;
    isBusy.value = true;
    error.value = null;
    const name = STORED + JSON.stringify(what);
    const key = sessionStorage.getItem(name) ?? newIdempotencyKey();
    sessionStorage.setItem(name, key);
    try {
      const answer = await deed(key);
      sessionStorage.removeItem(name);
      return answer;
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      error.value = cause;
      return null;
    } finally {
      isBusy.value = false;
    }
  }

  return { isBusy, error, once };
}

/** True when nobody knows whether it was done: the answer got lost, or the server failed on the way. */
export function isUnsure(error: ApiError): boolean {
  return error.status === 0 || error.status >= 500;
}
