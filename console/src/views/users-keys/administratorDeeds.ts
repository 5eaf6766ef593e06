/** What can be done with those who log in by name and password. */
import { send } from "@/api/client";
import type { components } from "@/api/schema";

export type Administrator = components["schemas"]["AdministratorFacts"];
export const ADMINISTRATOR_ROLES = ["admin", "billing_viewer"] as const;

export interface AdministratorDraft {
  username: string;
  role: string;
  password: string;
}

export async function createAdministrator(draft: AdministratorDraft, idempotencyKey: string): Promise<Administrator> {
  return send("post", "/api/admin/administrators", { body: draft, idempotencyKey });
}

export async function changeAdministrator(
  username: string,
  body: { role?: string; password?: string; enabled?: boolean },
  idempotencyKey: string,
): Promise<Administrator> {
  return send("patch", "/api/admin/administrators/{username}", { path: { username }, body, idempotencyKey });
}
