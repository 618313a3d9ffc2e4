// Versions of the bridge, as `dapbridge --version` prints them.

/** The oldest bridge that this extension works with. */
export const OLDEST_VERSION = "0.1.0";

/** Return the version in the output of `dapbridge --version`; undefined where it is no such output. */
export function parseVersion(output: string): string | undefined {
  return /^dapbridge, version (\d+(?:\.\d+)*\S*)\s*$/m.exec(output)?.[1];
}

/** Tell whether a version is at least another one; of what stands behind the numbers (`0.2.0rc1`) nothing counts. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [ours, theirs] = [numbers(version), numbers(oldest)];
  for (let place = 0; place < Math.max(ours.length, theirs.length); place++) {
    const difference = (ours[place] ?? 0) - (theirs[place] ?? 0);
    if (difference !== 0) {
      return difference > 0;
    }
  }
  return true;
}

function numbers(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number);
}
