import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { isUnsure, useIntention } from "@/queries/useIntention";

const PAYMENT = ["recharge", "openai", { amount: "100" }];
const LOST = new ApiError(0, "the connection broke");

/** Every key under which something went out; answers, or is refused. */
function wire(refusals: (Error | null)[]): { keys: string[]; deed: (key: string) => Promise<string> } {
  const keys: string[] = [];
  return {
    keys,
    deed: (key) => {
      const refusal = refusals[keys.push(key) - 1] ?? null;
      return refusal ? Promise.reject(refusal) : Promise.resolve("done");
    },
  };
}

beforeEach(() => { sessionStorage.clear(); });

describe("something that must happen once", () => {
  it("goes out once however often it is clicked while it is under way", async () => {
    const { once, isBusy } = useIntention();
    const { keys, deed } = wire([]);
    const both = [once(PAYMENT, deed), once(PAYMENT, deed)];
    expect(isBusy.value).toBe(true);
    expect(await Promise.all(both)).toEqual(["done", null]);
    expect(keys).toHaveLength(1);
    expect(isBusy.value).toBe(false);
  });

  it("goes out under the same key after a lost answer, also from a page that was loaded anew", async () => {
    const first = useIntention();
    const { keys, deed } = wire([LOST, new ApiError(401, "log in again"), null]);
    expect(await first.once(PAYMENT, deed)).toBeNull();
    expect(first.error.value).toBe(LOST);
    const second = useIntention();
    await second.once(PAYMENT, deed);
    expect(await second.once(PAYMENT, deed)).toBe("done");
    expect(second.error.value).toBeNull();
    expect(keys).toEqual([keys[0], keys[0], keys[0]]);
  });

  it("is something new after it was done, and when anything about it is different", async () => {
    const { once } = useIntention();
    const { keys, deed } = wire([null, null, LOST]);
    await once(PAYMENT, deed);
    await once(PAYMENT, deed);
    await once(["recharge", "openai", { amount: "200" }], deed);
    await once(["recharge", "deepseek", { amount: "200" }], deed);
    expect(new Set(keys).size).toBe(4);
  });

  it("lets a fault of our own rise and can be tried again", async () => {
    const { once, isBusy } = useIntention();
    const { deed } = wire([new RangeError("ours")]);
    await expect(once(PAYMENT, deed)).rejects.toThrow(RangeError);
    expect(isBusy.value).toBe(false);
  });

  it.each([[0, true], [400, false], [409, false], [499, false], [500, true], [503, true]])("status %i is unsure: %s", (status, unsure) => {
    expect(isUnsure(new ApiError(status, ""))).toBe(unsure);
  });
});
