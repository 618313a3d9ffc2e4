// Attach configurations as the extension makes them. Pure.
import { nameConfiguration } from "../targets/labels.ts";
import type { ListedTarget, TargetProcess } from "../targets/listing.ts";

export const DEBUG_TYPE = "dapbridge";

export interface AttachConfiguration {
  readonly type: typeof DEBUG_TYPE;
  readonly request: "attach";
  readonly name: string;
  readonly target: string;
  readonly process?: number;
}

/** Make the configuration for a target's main process. */
export function configureTarget(listed: ListedTarget): AttachConfiguration {
  return configure(nameConfiguration(listed), listed.target);
}

/** Make the configuration for a process; its pid is named only where it isn't the main process. */
export function configure(name: string, target: string, process?: TargetProcess): AttachConfiguration {
  const base = { type: DEBUG_TYPE, request: "attach", name, target } as const;
  return process?.main === false && process.pid !== null ? { ...base, process: process.pid } : base;
}
