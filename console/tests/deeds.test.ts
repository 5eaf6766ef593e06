/** What the user does is done once, however often it is tried. */
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { amountField } from "@/exact";
import { useDeed } from "@/queries/useDeed";

it("tries the same again under the same key, and another under another", async () => {
  const keys: string[] = [];
  let isDown = true;
  const deed = useDeed((_asked: object, key: string) => {
    keys.push(key);
    return isDown ? Promise.reject(new ApiError(0, "connection lost")) : Promise.resolve("made");
  });

  expect(await deed.run({ amount: amountField("1.0") })).toBeUndefined();
  expect(deed.error.value?.status).toBe(0);
  isDown = false;
  expect(await deed.run({ amount: amountField("1.0") })).toEqual({ answer: "made" });
  expect(deed.error.value).toBeNull();
  await deed.run({ amount: amountField("1.0") });
  await deed.run({ amount: amountField("1.00") });

  expect(keys[0]).toBe(keys[1]);
  expect(new Set(keys).size).toBe(3);
});

it("does nothing while it is under way, and lets a mistake of ours rise", async () => {
  let finish: (answer: string) => void = () => undefined;
  const perform = vi.fn(() => new Promise<string>((resolve) => { finish = resolve; }));
  const deed = useDeed(perform);
  const first = deed.run("a");
  expect([deed.isBusy.value, await deed.run("a")]).toEqual([true, undefined]);
  finish("done");
  expect(await first).toEqual({ answer: "done" });
  expect([deed.isBusy.value, perform.mock.calls.length]).toEqual([false, 1]);

  const broken = useDeed(() => Promise.reject(new TypeError("a mistake")));
  await expect(broken.run("a")).rejects.toThrow("a mistake");
  expect(broken.isBusy.value).toBe(false);
});
