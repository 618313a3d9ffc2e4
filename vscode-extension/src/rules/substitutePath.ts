// substitutePath rules: made of the two paths of one source. Pure; paths of POSIX and of Windows.

export interface Rule {
  /** A beginning of paths on the editor's side. */
  readonly from: string;
  /** A beginning of paths in the debug info. */
  readonly to: string;
}

/** Return the rule that maps a client path to a target path; undefined where they have not even the name in common. */
export function makeRule(clientPath: string, targetPath: string): Rule | undefined {
  const client = split(clientPath);
  const target = split(targetPath);
  // Something is left on both sides: an empty beginning would mean relative paths.
  const most = Math.min(...[client, target].map((parts) => parts.length - (parts[0] === "" ? 2 : 1)));
  let common = 0;
  while (common < most && same(client.at(-1 - common), target.at(-1 - common), clientPath)) {
    common++;
  }
  return common === 0 ? undefined : { from: cut(clientPath, client, common), to: cut(targetPath, target, common) };
}

/** Return the paths that end in the same name as another one, those first that have the longest end in common. */
export function findNamesakes(clientPath: string, targetPaths: readonly string[]): string[] {
  return targetPaths
    .filter((path) => commonEnd(clientPath, path) > 0)
    .sort((one, other) => commonEnd(clientPath, other) - commonEnd(clientPath, one));
}

/** Return a rule as launch.json has it: what lies in the workspace folder is written relative to it. */
export function relativeTo(rule: Rule, folder: string | undefined): Rule {
  if (folder === undefined || !(rule.from === folder || /^[\\/]/.test(rule.from.slice(folder.length)))) {
    return rule;
  }
  return rule.from.startsWith(folder)
    ? { ...rule, from: `\${workspaceFolder}${rule.from.slice(folder.length)}` }
    : rule;
}

function commonEnd(clientPath: string, targetPath: string): number {
  const rule = makeRule(clientPath, targetPath);
  return rule === undefined ? 0 : split(targetPath).length - split(rule.to).length;
}

function split(path: string): string[] {
  return path.split(isWindows(path) ? /[\\/]+/ : /\/+/);
}

function cut(path: string, parts: readonly string[], common: number): string {
  const end = parts.slice(parts.length - common).join("/").length;
  return path.slice(0, path.length - end - 1);
}

function same(one: string | undefined, other: string | undefined, clientPath: string): boolean {
  return isWindows(clientPath) ? one?.toLowerCase() === other?.toLowerCase() : one === other;
}

function isWindows(path: string): boolean {
  return /^([a-z]:[\\/]|\\\\)/i.test(path);
}
