// The list of running targets to pick from.
import * as vscode from "vscode";
import type { Provision } from "../bridge/provision.ts";
import type { Choices } from "./choices.ts";
import { labelTarget } from "./labels.ts";
import type { Lister } from "./lister.ts";
import type { ListedTarget } from "./listing.ts";

interface Item extends vscode.QuickPickItem {
  readonly listed?: ListedTarget;
}

const BY_PID: Item = {
  label: "$(server-process) A process of this machine…",
  description: "by its pid",
  alwaysShow: true,
};

/** What was picked: a target, with its processes where they are known. */
export interface PickedTarget {
  readonly target: string;
  readonly name: string;
  readonly listed: ListedTarget | undefined;
}

export class TargetPicker {
  readonly #provision: Provision;
  readonly #lister: Lister;
  readonly #choices: Choices;

  constructor(provision: Provision, lister: Lister, choices: Choices) {
    this.#provision = provision;
    this.#lister = lister;
    this.#choices = choices;
  }

  /** Ask for a target; undefined: the user has given up. Throws an Error with a sentence for the user. */
  async pick(): Promise<PickedTarget | undefined> {
    const bridge = await this.#provision.obtain();
    if (bridge === undefined) {
      return undefined;
    }
    const items = this.#lister.list(bridge).then((targets) => this.#makeItems(targets));
    const chosen = await vscode.window.showQuickPick(items, {
      title: "Attach to a container",
      placeHolder: "A running container",
      matchOnDescription: true,
      matchOnDetail: true,
    });
    if (chosen === undefined) {
      // The list may have failed while the user gave up.
      await items;
      return undefined;
    }
    const picked = chosen.listed === undefined ? await askForPid() : fromListed(chosen.listed);
    if (picked !== undefined) {
      await this.#choices.rememberTarget(picked.target);
    }
    return picked;
  }

  #makeItems(targets: readonly ListedTarget[]): Item[] {
    const items = this.#choices.sortTargets(targets).map((listed): Item => {
      const label = labelTarget(listed);
      const last = this.#choices.isLastTarget(listed.target) ? " · last time" : "";
      return { ...label, description: label.description + last, listed };
    });
    return [...items, BY_PID];
  }
}

function fromListed(listed: ListedTarget): PickedTarget {
  return { target: listed.target, name: listed.name, listed };
}

async function askForPid(): Promise<PickedTarget | undefined> {
  const pid = await vscode.window.showInputBox({
    title: "Attach to a process of this machine",
    prompt: "Its pid on this machine",
    validateInput: (text) => (/^\s*[1-9]\d*\s*$/.test(text) ? undefined : "A pid is a number"),
  });
  const target = `pid://${pid?.trim()}`;
  return pid === undefined ? undefined : { target, name: `process ${pid.trim()}`, listed: undefined };
}
