/** A new price: what it would have come to, and setting it. */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError, newIdempotencyKey, send, type Answer } from "@/api/client";
import { noticeRefused } from "@/components/notices";
import type { DayRange } from "@/days";
import { session } from "@/session";
import { changeBody, pricingBody, type PriceDraft } from "./priceDraft";
import { PRICING_PATH, type Price } from "./usePricing";

const PREVIEW_PATH = "/api/admin/billing/pricing/preview";
export type PricePreview = Answer<typeof PREVIEW_PATH, "post">;

export interface PriceChange {
  /** Of the form as it was when it was asked for. */
  preview: ShallowRef<PricePreview | null>;
  refusal: ShallowRef<ApiError | null>;
  isBusy: Ref<boolean>;
  look: (draft: PriceDraft, days: DayRange) => Promise<void>;
  /** The new version, or null when the server refused. */
  save: (draft: PriceDraft, isConfirmed: boolean) => Promise<Price | null>;
  /** What was seen is of another form now. */
  forget: () => void;
}

/** `edited` is the price that gets a new version; null for a first price. */
export function usePriceChange(edited: Price | null): PriceChange {
  const preview = shallowRef<PricePreview | null>(null);
  const refusal = shallowRef<ApiError | null>(null);
  const isBusy = ref(false);
  let key = newIdempotencyKey();

  async function asked<T>(question: () => Promise<T>): Promise<T | null> {
    isBusy.value = true;
    refusal.value = null;
    try {
      return await question();
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      refusal.value = cause;
      return null;
    } finally {
      isBusy.value = false;
    }
  }

  async function look(draft: PriceDraft, days: DayRange): Promise<void> {
    const body = pricingBody(draft, session.value?.timeZone, edited);
    const query = { startDate: days.first, endDate: days.last };
    preview.value = await asked(() => send("post", PREVIEW_PATH, { query, body }));
  }

  async function save(draft: PriceDraft, confirm: boolean): Promise<Price | null> {
    const zone = session.value?.timeZone;
    const set = (): Promise<Price> =>
      edited
        ? send("put", "/api/admin/billing/pricing/{pricingId}", {
            path: { pricingId: edited.id }, body: { ...changeBody(draft, zone), unit: unitOf(draft, edited), confirm }, idempotencyKey: key,
          })
        : send("post", PRICING_PATH, { body: { ...pricingBody(draft, zone, null), confirm }, idempotencyKey: key });
    const saved = await asked(set);
    if (refusal.value?.status === 0) noticeRefused(refusal.value); // it may have been done: the same key asks again
    return saved;
  }

  function forget(): void {
    preview.value = null;
    refusal.value = null;
    key = newIdempotencyKey();
  }

  return { preview, refusal, isBusy, look, save, forget };
}

function unitOf(draft: PriceDraft, edited: Price): string | null {
  return draft.unit === edited.unit ? null : draft.unit;
}
