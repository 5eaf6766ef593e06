import { createApp, defineComponent, nextTick, ref } from "vue";
import { describe, expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { trailTo } from "@/queries/useCursorPages";
import { useQuery } from "@/queries/useQuery";
import { filtersOf, queryOf } from "@/queries/useUrlFilters";

const DEFAULTS = { userId: "", startDate: "2026-11-01" };

describe("filters in the address", () => {
  it("takes defaults for what the address does not say", () => {
    expect(filtersOf({ userId: "alice" }, DEFAULTS)).toEqual({ userId: "alice", startDate: "2026-11-01" });
    expect(filtersOf({ startDate: "" }, DEFAULTS)).toEqual({ userId: "", startDate: "" });
    expect(filtersOf({ userId: ["a", "b"] }, DEFAULTS).userId).toBe("");
  });

  it("leaves defaults out, trims, keeps the words of others and goes back to the first page", () => {
    const query = queryOf({ cursor: "17", record: "req_1", userId: "old" }, { userId: " bob ", startDate: "2026-11-01" }, DEFAULTS);
    expect(query).toEqual({ record: "req_1", userId: "bob" });
  });

  it("comes back as it was put in", () => {
    const filters = { userId: "阿丽丝 & co/1", startDate: "2026-10-01" };
    expect(filtersOf(queryOf({}, filters, DEFAULTS), DEFAULTS)).toEqual(filters);
  });
});

describe("the way through pages", () => {
  it("goes on, back, and to the first", () => {
    const second = trailTo("a", [""]);
    const third = trailTo("b", second);
    expect(third).toEqual(["", "a", "b"]);
    expect(trailTo("a", third)).toEqual(["", "a"]);
    expect(trailTo("", third)).toEqual([""]);
  });

  it("does not claim to know what came before a page that was linked to", () => {
    expect(trailTo("b", ["a"])).toEqual(["a", "b"]);
  });
});

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTick();
}

function inComponent<T>(setup: () => T): { found: T; leave: () => void } {
  let found: T | undefined;
  const app = createApp(defineComponent(() => { found = setup(); return () => null; }));
  app.mount(document.createElement("div"));
  return { found: found as T, leave: () => { app.unmount(); } };
}

describe("a question to the server", () => {
  it("is loading, then answered, with the time of its data", async () => {
    const { found } = inComponent(() => useQuery(() => Promise.resolve(7)));
    expect([found.isLoading.value, found.data.value]).toEqual([true, null]);
    await settled();
    expect([found.isLoading.value, found.data.value, found.error.value]).toEqual([false, 7, null]);
    expect(found.loadedAt.value).toBeInstanceOf(Date);
  });

  it("keeps the last answer when the next one is refused, and forgets the refusal when it is answered", async () => {
    const answers = [() => Promise.resolve(1), () => Promise.reject(new ApiError(503, "busy")), () => Promise.resolve(2)];
    const { found } = inComponent(() => useQuery(() => (answers.shift() ?? answers[0])?.() ?? Promise.resolve(0)));
    await settled();
    await found.refresh();
    expect([found.data.value, found.error.value?.message]).toEqual([1, "busy"]);
    await found.refresh();
    expect([found.data.value, found.error.value]).toEqual([2, null]);
  });

  it("is answered by the newest question, however late an older answer comes", async () => {
    const asked = ref("old");
    const waiting = new Map<string, (answer: string) => void>();
    const { found } = inComponent(() =>
      useQuery(() => new Promise<string>((resolve) => waiting.set(asked.value, resolve)), asked),
    );
    asked.value = "new";
    await settled();
    waiting.get("new")?.("answer to new");
    await settled();
    waiting.get("old")?.("answer to old");
    await settled();
    expect(found.data.value).toBe("answer to new");
  });

  it("is taken back when its page is left", () => {
    let signal: AbortSignal | undefined;
    const { leave } = inComponent(() => useQuery((given) => { signal = given; return new Promise(() => undefined); }));
    leave();
    expect(signal?.aborted).toBe(true);
  });
});
