/** What is in force, where it came from, and what runs. */
import { get, send } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

/** The configuration, secrets masked; the OpenAPI document leaves its fields open. */
export interface ConfigurationStatus {
  file: string | null;
  digest: string;
  snapshot_version: number;
  providers: number;
  channels: number;
  settings: Record<string, { value: unknown; origin: string }>;
  notices: string[];
  refused_file_problems: string[];
}

export interface SystemFacts {
  version: string;
  python: string;
  started_at: string;
  time_zone: string;
  data_dir: string;
  workers: { worker: number; calls_under_way: number; connections: number; journal_admits: boolean; snapshot_version: number }[];
}

export interface SystemAnswer {
  status: ConfigurationStatus;
  system: SystemFacts;
}

export function useSystem(): Query<SystemAnswer> {
  return useQuery(async (signal) => {
    const [status, system] = await Promise.all([get("/v1/admin/config/status", { signal }), get("/api/system/info", { signal })]);
    return { status: status.data as unknown as ConfigurationStatus, system: system.data as unknown as SystemFacts };
  });
}

/** Throws ApiError 409 with what is wrong in the file. */
export async function reloadConfiguration(): Promise<string> {
  const answer = (await send("post", "/v1/admin/config/reload")) as unknown as { message: string };
  return answer.message;
}
