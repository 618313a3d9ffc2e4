// Finds the bridge once, and again after a change of settings or when it has gone.
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import type { Log } from "../log.ts";
import { readSettings } from "../settings.ts";
import { Bridge } from "./bridge.ts";
import { findCandidates, type Surroundings } from "./candidates.ts";
import { findPythons } from "./pythons.ts";
import { run } from "./run.ts";
import { type NotFound, searchBridge } from "./search.ts";

// uvx and pipx may have to install it first.
const VERSION_LIMIT_S = 120;

export class BridgeFinder implements vscode.Disposable {
  readonly #log: Log;
  readonly #listener: vscode.Disposable;
  #found: Bridge | undefined;

  constructor(log: Log) {
    this.#log = log;
    this.#listener = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("dapbridge") || change.affectsConfiguration("python")) {
        this.forget();
      }
    });
  }

  /** Return the bridge, or why there is none. */
  async find(): Promise<Bridge | NotFound> {
    if (this.#found !== undefined && isThere(this.#found.command[0])) {
      return this.#found;
    }
    const { env } = readSettings();
    const candidates = findCandidates(await lookAround());
    const result = await searchBridge(candidates, (command) => run(command, { env, limitS: VERSION_LIMIT_S }));
    if (result.kind !== "found") {
      this.#log.line(result.why);
      return result;
    }
    const { command, origin } = result.candidate;
    this.#log.line(`dapbridge ${result.version}: ${command.join(" ")} (from ${origin})`);
    this.#found = new Bridge(command, result.version);
    return this.#found;
  }

  forget(): void {
    this.#found = undefined;
  }

  dispose(): void {
    this.#listener.dispose();
  }
}

/** Look at what decides where the bridge is. */
export async function lookAround(): Promise<Surroundings> {
  const settings = readSettings();
  return {
    settingCommand: settings.command,
    settingPackage: settings.package,
    searchPath: settings.env["PATH"] ?? process.env["PATH"] ?? "",
    home: homedir(),
    windows: process.platform === "win32",
    pythons: await findPythons(),
    canRun,
  };
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Tell whether a command is still there; one without a folder is the system's to find. */
function isThere(command: string): boolean {
  return path.basename(command) === command || canRun(command);
}
