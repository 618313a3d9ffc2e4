// Where the bridge may be, in the order in which it is looked for. Pure but for the question whether a file can be run.
import * as path from "node:path";

export interface Candidate {
  /** The command with its first arguments; `serve`, `ps`, … follow. */
  readonly command: readonly [string, ...string[]];
  /** How it was found, for the user. */
  readonly origin: string;
}

export interface Surroundings {
  readonly settingCommand: readonly string[];
  readonly settingPackage: string;
  readonly searchPath: string;
  readonly home: string;
  readonly windows: boolean;
  /** The interpreters of the Python environments that are selected, or lie in the workspace. */
  readonly pythons: readonly string[];
  canRun(file: string): boolean;
}

/** Return the commands to try. A command that the user has set is the only one. */
export function findCandidates(surroundings: Surroundings): Candidate[] {
  const [set, ...more] = surroundings.settingCommand;
  if (set !== undefined) {
    return [{ command: [expandHome(set, surroundings.home), ...more], origin: "the setting dapbridge.command" }];
  }
  const found: Candidate[] = [];
  const add = (file: string | undefined, origin: string, ...more: string[]) => {
    if (file !== undefined && !found.some((each) => each.command[0] === file)) {
      found.push({ command: [file, ...more], origin });
    }
  };
  add(findInPath("dapbridge", surroundings), "PATH");
  add(findIn(path.join(surroundings.home, ".local", "bin"), "dapbridge", surroundings), "~/.local/bin");
  for (const python of surroundings.pythons) {
    add(findIn(path.dirname(python), "dapbridge", surroundings), `the Python environment of ${python}`);
  }
  if (surroundings.settingPackage !== "") {
    const source = expandHome(surroundings.settingPackage, surroundings.home);
    add(findTool("uvx", surroundings), "uvx", "--from", source, "dapbridge");
    add(findTool("pipx", surroundings), "pipx", "run", "--spec", source, "dapbridge");
  }
  return found;
}

/** Return the path of a program in PATH or ~/.local/bin, which a desktop's PATH may lack. */
export function findTool(name: string, surroundings: Surroundings): string | undefined {
  return findInPath(name, surroundings) ?? findIn(path.join(surroundings.home, ".local", "bin"), name, surroundings);
}

function findInPath(name: string, surroundings: Surroundings): string | undefined {
  for (const folder of surroundings.searchPath.split(surroundings.windows ? ";" : ":")) {
    const file = folder === "" ? undefined : findIn(folder, name, surroundings);
    if (file !== undefined) {
      return file;
    }
  }
  return undefined;
}

function findIn(folder: string, name: string, surroundings: Surroundings): string | undefined {
  const file = path.join(folder, surroundings.windows ? `${name}.exe` : name);
  return surroundings.canRun(file) ? file : undefined;
}

function expandHome(file: string, home: string): string {
  return file === "~" || file.startsWith("~/") ? path.join(home, file.slice(1)) : file;
}
