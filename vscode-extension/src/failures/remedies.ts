// What can be done about a failure, by its text. Pure.

export type Remedy =
  | "buildImage"
  | "pickTarget"
  | "pickProcess"
  | "retry"
  | "openConfiguration"
  | "openSettings"
  | "openLog";

export const REMEDY_LABELS: Readonly<Record<Remedy, string>> = {
  buildImage: "Build the Image…",
  pickTarget: "Pick Another Container…",
  pickProcess: "Pick a Process…",
  retry: "Try Again",
  openConfiguration: "Open launch.json",
  openSettings: "Open Settings",
  openLog: "Open Log",
};

/** The first that matches counts. The texts are those of the bridge's errors. */
const TABLE: readonly (readonly [RegExp, readonly Remedy[]])[] = [
  [/sidecar image can't be built|^the sidecar image '.*' is missing/, ["buildImage"]],
  [/^no container named/, ["pickTarget", "openConfiguration"]],
  [/^container '.*' is (paused|restarting|not running)/, ["retry", "pickTarget"]],
  [/^no process |^several processes are like|^it is not known which process/, ["pickProcess"]],
  [/\bdocker context\b|Docker engine|Docker over ssh|^Docker refuses/i, ["retry", "openSettings"]],
  [/^"[\w.]+"|^'\w+' still contains|is no target: /, ["openConfiguration"]],
];
const OTHERWISE: readonly Remedy[] = ["retry"];

/** Return the remedies for a failure, the most likely first. The log is always one. */
export function findRemedies(text: string): readonly Remedy[] {
  const found = TABLE.find(([pattern]) => pattern.test(text));
  return [...(found?.[1] ?? OTHERWISE), "openLog"];
}
