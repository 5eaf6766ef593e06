/** Something that the user does at the server: under way, refused, and under one key however often it is tried. */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError, newIdempotencyKey } from "../api/client";
import { stringifyExact } from "../exact";

export interface Deed<T, R> {
  isBusy: Ref<boolean>;
  /** Why the last try was refused. */
  error: ShallowRef<ApiError | null>;
  /** Do it; undefined when it was refused, or while it is under way. */
  run: (asked: T) => Promise<{ answer: R } | undefined>;
  /** Begin anew: what is asked next is another intention. */
  reset: () => void;
}

export function useDeed<T, R>(perform: (asked: T, idempotencyKey: string) => Promise<R>): Deed<T, R> {
  const isBusy = ref(false);
  const error = shallowRef<ApiError | null>(null);
  let intended: { words: string; key: string } | null = null;

  /** The same words after a refusal or a lost connection are the same intention. */
  function keyOf(asked: T): string {
    const words = stringifyExact(asked) ?? "";
    if (intended?.words !== words) intended = { words, key: newIdempotencyKey() };
    return intended.key;
  }

  function reset(): void {
    intended = null;
    error.value = null;
  }

  async function run(asked: T): Promise<{ answer: R } | undefined> {
    if (isBusy.value) return undefined;
    isBusy.value = true;
    try {
      const answer = await perform(asked, keyOf(asked));
      reset();
      return { answer };
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      error.value = cause;
      return undefined;
    } finally {
      isBusy.value = false;
    }
  }

  return { isBusy, error, run, reset };
}
