/** Who is logged in, and by whose days the server counts. The session is a cookie that no script can read. */
import { shallowRef } from "vue";
import { ApiError, get, send } from "./api/client";
import { dayIn } from "./days";

export type Role = "admin" | "billing_viewer" | "user";

export interface Session {
  name: string;
  role: Role;
  /** The zone by whose days the server counts. */
  timeZone: string;
}

/** How somebody proves who he is. */
export type Credentials = { username: string; password: string } | { apiKey: string } | { token: string };

/** Null: nobody is logged in. Undefined: not asked yet. */
export const session = shallowRef<Session | null | undefined>();

const ROLES: readonly Role[] = ["admin", "billing_viewer", "user"];

/** Ask the server who is logged in. */
export async function loadSession(): Promise<void> {
  try {
    const me = await get("/api/admin/me");
    const role = ROLES.find((known) => known === me.role) ?? "user";
    session.value = { name: me.name, role, timeZone: me.timeZone };
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 401) throw cause;
    session.value = null;
  }
}

/** Throws ApiError: 401 for wrong credentials, 429 after too many tries. */
export async function logIn(credentials: Credentials): Promise<void> {
  await send("post", "/api/admin/login", { body: credentials });
  await loadSession();
}

export async function logOut(): Promise<void> {
  await send("post", "/api/admin/logout");
  session.value = null;
}

/** The server's today. */
export function today(): string {
  return dayIn(session.value?.timeZone, new Date());
}
