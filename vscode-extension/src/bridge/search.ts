// Trying candidates until one is a bridge that is new enough. What is tried with is given, so it can be tested alone.
import type { Candidate } from "./candidates.ts";
import { lastWords, type Outcome } from "./run.ts";
import { isAtLeast, OLDEST_VERSION, parseVersion } from "./version.ts";

export interface Found {
  readonly kind: "found";
  readonly candidate: Candidate;
  readonly version: string;
}

export interface NotFound {
  readonly kind: "missing" | "old" | "broken";
  /** A sentence for the user. */
  readonly why: string;
}

/** Return the first candidate that answers `--version` with one that will do, else why none does. */
export async function searchBridge(
  candidates: readonly Candidate[],
  ask: (command: readonly [string, ...string[]]) => Promise<Outcome>,
): Promise<Found | NotFound> {
  let failure: NotFound | undefined;
  for (const candidate of candidates) {
    const outcome = await ask([...candidate.command, "--version"]);
    const version = outcome.code === 0 ? parseVersion(outcome.stdout) : undefined;
    const shown = `${candidate.command.join(" ")} (from ${candidate.origin})`;
    if (version === undefined) {
      failure ??= { kind: "broken", why: `${shown} does not run as dapbridge: ${lastWords(outcome)}` };
    } else if (!isAtLeast(version, OLDEST_VERSION)) {
      failure ??= {
        kind: "old",
        why: `${shown} is version ${version}; this extension needs ${OLDEST_VERSION} or newer`,
      };
    } else {
      return { kind: "found", candidate, version };
    }
  }
  return (
    failure ?? {
      kind: "missing",
      why: "dapbridge was not found: not in PATH, ~/.local/bin or the selected Python environment",
    }
  );
}
