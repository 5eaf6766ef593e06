/** What an administrator can do to a pool. Amounts go out as the digits that were typed. */
import { send, type Answer } from "@/api/client";
import { amountField } from "@/exact";

const POOL_PATH = "/api/admin/billing/resource-pool/providers/{providerId}";
const RECHARGE_PATH = `${POOL_PATH}/recharge` as const;
const CHECK_PATH = "/api/admin/billing/resource-pool/check";
const RESOLVE_PATH = "/api/admin/billing/resource-pool/alerts/{alertId}/resolve";

export type RechargeOutcome = Answer<typeof RECHARGE_PATH, "post">;
export type PoolCheck = Answer<typeof CHECK_PATH, "post">;

/** What can be opened from a pool's card. */
export type PoolDeed = "recharge" | "correction" | "threshold" | "history";

export interface Payment {
  amount: string;
  currency: string;
  remark: string;
}

export async function recharge(providerId: string, { amount, currency, remark }: Payment, idempotencyKey: string): Promise<RechargeOutcome> {
  const body = { amount: amountField(amount), currency, remark };
  return send("post", RECHARGE_PATH, { path: { providerId }, body, idempotencyKey });
}

export async function correct(providerId: string, amount: string, remark: string, idempotencyKey: string): Promise<unknown> {
  const body = { amount: amountField(amount), remark };
  return send("post", `${POOL_PATH}/adjust`, { path: { providerId }, body, idempotencyKey });
}

export async function setThreshold(providerId: string, percent: string, idempotencyKey: string): Promise<unknown> {
  const body = { thresholdPercent: amountField(percent) };
  return send("put", POOL_PATH, { path: { providerId }, body, idempotencyKey });
}

export async function checkPools(): Promise<PoolCheck> {
  return send("post", CHECK_PATH);
}

export async function resolveAlert(alertId: number): Promise<void> {
  await send("post", RESOLVE_PATH, { path: { alertId } });
}
