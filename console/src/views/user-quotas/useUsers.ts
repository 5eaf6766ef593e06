/** Who there is, to be searched; of very many, the first by id. */
import { get } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";
import { session } from "@/session";
import type { UserFacts } from "./findUsers";

const USERS_PATH = "/api/admin/users";
const PAGE_SIZE = 1000;
const PAGES_MAX = 5; // more users than these are found by their whole id

export interface KnownUsers {
  users: UserFacts[];
  /** False when there are more than were asked for. */
  areAll: boolean;
}

export function useUsers(): Query<KnownUsers> {
  return useQuery(async (signal) => {
    const users: UserFacts[] = [];
    if (session.value?.role === "user") return { users, areAll: false };
    let cursor: string | null = "";
    for (let page = 0; page < PAGES_MAX && cursor !== null; page += 1) {
      const answer: Awaited<ReturnType<typeof askUsers>> = await askUsers(cursor, signal);
      users.push(...answer.users);
      cursor = answer.nextCursor;
    }
    return { users, areAll: cursor === null };
  });
}

async function askUsers(cursor: string, signal: AbortSignal) {
  return get(USERS_PATH, { query: { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) }, signal });
}
