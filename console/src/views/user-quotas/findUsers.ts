/** Whom somebody means who types an id, a name, or a part of one. */
import type { components } from "@/api/schema";

export type UserFacts = components["schemas"]["UserFacts"];

/** Users whose id or name holds the text; only the one whose id it is, when there is one. */
export function findUsers(users: readonly UserFacts[], text: string): UserFacts[] {
  const wanted = text.trim().toLowerCase();
  const exact = users.find((user) => user.id === text.trim());
  if (exact) return [exact];
  return users.filter((user) => user.id.toLowerCase().includes(wanted) || user.name.toLowerCase().includes(wanted));
}
