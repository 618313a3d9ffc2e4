// A bridge that was found: how it is run.
import { readSettings } from "../settings.ts";
import { type Outcome, type RunOptions, run } from "./run.ts";

export class Bridge {
  readonly command: readonly [string, ...string[]];
  readonly version: string;

  constructor(command: readonly [string, ...string[]], version: string) {
    this.command = command;
    this.version = version;
  }

  /** Run one of its commands to the end, e.g. `ps --json`. */
  run(args: readonly string[], options: Omit<RunOptions, "env"> = {}): Promise<Outcome> {
    return run([...this.command, ...args], { ...options, env: readSettings().env });
  }

  /** Return the command line of a server for one session over stdio. */
  serveCommand(wireLog: boolean): readonly [string, ...string[]] {
    return [...this.command, "serve", wireLog ? "-vv" : "-v"];
  }
}
