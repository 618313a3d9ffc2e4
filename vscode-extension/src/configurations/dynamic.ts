// The running containers as configurations of the debug drop-down ("dapbridge…"), without any launch.json.
import * as vscode from "vscode";
import { Bridge } from "../bridge/bridge.ts";
import type { BridgeFinder } from "../bridge/finder.ts";
import type { Log } from "../log.ts";
import type { Choices } from "../targets/choices.ts";
import type { Lister } from "../targets/lister.ts";
import { configureTarget } from "./attachConfiguration.ts";

export class DynamicConfigurations implements vscode.DebugConfigurationProvider {
  readonly #finder: BridgeFinder;
  readonly #lister: Lister;
  readonly #choices: Choices;
  readonly #log: Log;

  constructor(finder: BridgeFinder, lister: Lister, choices: Choices, log: Log) {
    this.#finder = finder;
    this.#lister = lister;
    this.#choices = choices;
    this.#log = log;
  }

  /**
   * VS Code asks this also for lists of all debuggers, so nothing is offered or reported here but to the log. It asks for
   * every folder and once more for none, and shows all answers: only the first folder gets the containers.
   */
  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    if (folder?.uri.toString() !== vscode.workspace.workspaceFolders?.[0]?.uri.toString()) {
      return [];
    }
    const bridge = await this.#finder.find();
    if (!(bridge instanceof Bridge)) {
      return [];
    }
    try {
      const targets = await this.#lister.list(bridge);
      return this.#choices.sortTargets(targets).map((target) => ({ ...configureTarget(target) }));
    } catch (error) {
      this.#log.line(`no configurations of running containers: ${error}`);
      return [];
    }
  }
}
