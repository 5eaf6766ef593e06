/** A whole price list: what taking it over would change, and taking it over. */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError, newIdempotencyKey, send } from "@/api/client";
import type { components } from "@/api/schema";

export const FORMATS = ["list", "genai-prices", "litellm", "models.dev"] as const;

export type ImportOutcome = components["schemas"]["PricesOutcome"];

export interface PriceListDraft {
  format: string;
  content: string;
  /** Ids in the list, separated by commas; empty for all. */
  providers: string;
}

export interface PriceImport {
  /** Of the list as it was when it was compared. */
  outcome: ShallowRef<ImportOutcome | null>;
  refusal: ShallowRef<ApiError | null>;
  isBusy: Ref<boolean>;
  compare: (draft: PriceListDraft) => Promise<void>;
  /** True when the list was taken over. */
  takeOver: (draft: PriceListDraft, isConfirmed: boolean) => Promise<boolean>;
  forget: () => void;
}

export function usePriceImport(): PriceImport {
  const outcome = shallowRef<ImportOutcome | null>(null);
  const refusal = shallowRef<ApiError | null>(null);
  const isBusy = ref(false);
  let key = newIdempotencyKey();

  async function ask(draft: PriceListDraft, dryRun: boolean, confirm: boolean): Promise<ImportOutcome | null> {
    isBusy.value = true;
    refusal.value = null;
    const named = namesOf(draft.providers);
    const body = { content: draft.content, format: draft.format, providers: named.length > 0 ? named : null, dryRun, confirm };
    try {
      return await send("post", "/api/admin/prices/import", { body, ...(!dryRun && { idempotencyKey: key }) });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      refusal.value = cause;
      return null;
    } finally {
      isBusy.value = false;
    }
  }

  return {
    outcome,
    refusal,
    isBusy,
    compare: async (draft) => { outcome.value = await ask(draft, true, false); },
    takeOver: async (draft, isConfirmed) => (await ask(draft, false, isConfirmed)) !== null,
    forget: () => { outcome.value = null; refusal.value = null; key = newIdempotencyKey(); },
  };
}

export function namesOf(text: string): string[] {
  return text.split(/[,，\s]+/).filter(Boolean);
}

/** True when a figure looks like a mistaken unit, so that taking the list over has to be confirmed. */
export function isUnlikely(outcome: ImportOutcome): boolean {
  return outcome.changed.some((change) => change.unlikely);
}
