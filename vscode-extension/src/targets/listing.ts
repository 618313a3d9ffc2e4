// What `dapbridge ps --json` prints: its form, and reading it.

export interface TargetProcess {
  /** As the target itself counts; null: that can't be seen from outside. */
  readonly pid: number | null;
  readonly name: string;
  readonly command: readonly string[];
  readonly user: string;
  readonly language: string | null;
  readonly debugInfo: boolean | null;
  readonly main: boolean;
}

export interface ListedTarget {
  /** What the attach configuration's `target` takes. */
  readonly target: string;
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly composeProject: string | null;
  readonly composeService: string | null;
  readonly processes: readonly TargetProcess[];
  /** Why its processes can't be seen. */
  readonly error: string | null;
}

const VERSION = 1;

/** Read the output of `dapbridge ps --json`. Throws an Error with a sentence for the user. */
export function parseListing(output: string): readonly ListedTarget[] {
  let listing: { version?: unknown; targets?: unknown };
  try {
    listing = JSON.parse(output) as typeof listing;
  } catch {
    throw new Error(`dapbridge ps printed no JSON: ${output.slice(0, 200)}`);
  }
  if (listing.version !== VERSION || !Array.isArray(listing.targets)) {
    throw new Error(
      `dapbridge ps printed a listing of version ${listing.version}, and this extension knows ${VERSION}`,
    );
  }
  return listing.targets as ListedTarget[];
}
