// The list of a target's processes to pick from.
import * as vscode from "vscode";
import type { Choices } from "./choices.ts";
import { labelProcess } from "./labels.ts";
import type { ListedTarget, TargetProcess } from "./listing.ts";

export class ProcessPicker {
  readonly #choices: Choices;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  /** Ask for a process where the target has several; undefined: the user has given up. */
  async pick(listed: ListedTarget): Promise<TargetProcess | undefined> {
    // One without a pid can't be named in a configuration.
    const processes = listed.processes.filter((each) => each.main || each.pid !== null);
    const [first, ...others] = processes;
    if (first === undefined) {
      throw new Error(listed.error ?? `${listed.name} has no process`);
    }
    if (others.length === 0) {
      return first;
    }
    const sorted = this.#choices.sortProcesses(listed.target, processes);
    const items = sorted.map((process) => ({ ...labelProcess(process), process }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: `Attach to ${listed.name}`,
      placeHolder: "A process",
      matchOnDescription: true,
      matchOnDetail: true,
    });
    if (chosen === undefined) {
      return undefined;
    }
    await this.#choices.rememberProcess(listed.target, chosen.process.command.join(" "));
    return chosen.process;
  }
}
