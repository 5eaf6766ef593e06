/** Keys as forms hold them, and what an action changed. */
import { describe, expect, it } from "vitest";
import { stringifyExact } from "@/exact";
import { differencesOf } from "@/views/audit-log/differences";
import { auditQuestion, noFilters } from "@/views/audit-log/useAudit";
import { bodyOf, draftOf, emptyDraft } from "@/views/users-keys/keyDraft";
import type { Key } from "@/views/users-keys/useKeys";

const ZONE = "Asia/Shanghai";
const KEY: Key = {
  id: "key_1", userId: "alice", name: "laptop", keyEnd: "wxyz", status: "active", models: ["gpt-4o-mini", "tag:free"],
  requestsPerMinute: 60, concurrency: null, createdAt: "2026-11-01T00:00:00.000Z", expiresAt: "2026-11-30T16:00:00.000Z",
  revokedAt: null, enabled: true, formerKeyUntil: null,
};

describe("a key in a form", () => {
  it("says of a new key only what was filled in; its last day ends by the server's clock", () => {
    const draft = { ...emptyDraft(), name: "phone", lastDay: "2026-11-30", concurrency: "5" };
    expect(stringifyExact(bodyOf(draft, emptyDraft(), ZONE))).toBe('{"name":"phone","expiresAt":"2026-11-30T16:00:00.000Z","concurrency":5}');
  });

  it("comes back as it was, and unchanged asks for nothing", () => {
    const draft = draftOf(KEY, ZONE);
    expect(draft).toEqual({ name: "laptop", models: "gpt-4o-mini\ntag:free", lastDay: "2026-11-30", requestsPerMinute: "60", concurrency: "" });
    expect(bodyOf({ ...draft }, draft, ZONE)).toEqual({});
  });

  it("takes limits away with null, and names models without empty lines", () => {
    const before = draftOf(KEY, ZONE);
    const body = bodyOf({ ...before, lastDay: "", requestsPerMinute: "", models: " tag:free \n\n" }, before, ZONE);
    expect(body).toEqual({ expiresAt: null, requestsPerMinute: null, models: ["tag:free"] });
  });
});

describe("the audit record", () => {
  it("asks from the beginning of the first day to the end of the last, in the server's time zone", () => {
    const asked = auditQuestion({ ...noFilters(), actor: "admin", startDate: "2026-11-01", endDate: "2026-11-30" }, ZONE);
    expect(asked).toEqual({ actor: "admin", from: "2026-10-31T16:00:00.000Z", to: "2026-11-30T16:00:00.000Z" });
    expect(auditQuestion(noFilters(), ZONE)).toEqual({});
  });

  it("shows what changed first, and what came and went", () => {
    const rows = differencesOf({ name: "a", enabled: true, gone: [1] }, { name: "a", enabled: false, groupRatio: "1.5" });
    expect(rows.map(({ field, before, after }) => [field, before, after])).toEqual([
      ["enabled", "true", "false"],
      ["gone", "[1]", ""],
      ["groupRatio", "", "1.5"],
      ["name", "a", "a"],
    ]);
    expect(rows.map((row) => row.isChanged)).toEqual([true, true, true, false]);
  });
});
