// `${command:dapbridge.pickTarget}` and `${command:dapbridge.pickProcess}` in a configuration.
//
// VS Code runs one command after the other, in the order of the configuration's attributes, and tells neither what the
// other has returned. Where a configuration has both, whichever comes first picks the target and leaves it for the other.
import type { DebugConfiguration } from "vscode";
import type { Provision } from "../bridge/provision.ts";
import type { Lister } from "./lister.ts";
import type { ListedTarget } from "./listing.ts";
import type { ProcessPicker } from "./processPicker.ts";
import type { PickedTarget, TargetPicker } from "./targetPicker.ts";

export const PICK_TARGET = "dapbridge.pickTarget";
export const PICK_PROCESS = "dapbridge.pickProcess";

export class PickVariables {
  readonly #provision: Provision;
  readonly #lister: Lister;
  readonly #targets: TargetPicker;
  readonly #processes: ProcessPicker;
  #left: { readonly for: typeof PICK_TARGET | typeof PICK_PROCESS; readonly picked: PickedTarget } | undefined;

  constructor(provision: Provision, lister: Lister, targets: TargetPicker, processes: ProcessPicker) {
    this.#provision = provision;
    this.#lister = lister;
    this.#targets = targets;
    this.#processes = processes;
  }

  async pickTarget(configuration?: DebugConfiguration): Promise<string | undefined> {
    const taken = this.#take(PICK_TARGET);
    const picked = taken ?? (await this.#targets.pick());
    if (picked !== undefined && taken === undefined && names(configuration?.["process"], PICK_PROCESS)) {
      this.#left = { for: PICK_PROCESS, picked };
    }
    return picked?.target;
  }

  async pickProcess(configuration?: DebugConfiguration): Promise<string | undefined> {
    const named: unknown = configuration?.["target"];
    let listed: ListedTarget | undefined;
    if (typeof named === "string" && named !== "" && !named.includes("${")) {
      listed = await this.#list(named);
    } else {
      const taken = this.#take(PICK_PROCESS);
      const picked = taken ?? (await this.#targets.pick());
      if (picked !== undefined && taken === undefined && names(named, PICK_TARGET)) {
        this.#left = { for: PICK_TARGET, picked };
      }
      listed = picked?.listed ?? (picked && (await this.#list(picked.target)));
    }
    const process = listed && (await this.#processes.pick(listed));
    return process?.pid?.toString();
  }

  async #list(target: string): Promise<ListedTarget | undefined> {
    const bridge = await this.#provision.obtain();
    const targets = bridge && (await this.#lister.list(bridge, target));
    return targets?.[0];
  }

  #take(command: typeof PICK_TARGET | typeof PICK_PROCESS): PickedTarget | undefined {
    const left = this.#left;
    this.#left = undefined;
    return left?.for === command ? left.picked : undefined;
  }
}

function names(value: unknown, command: string): boolean {
  return typeof value === "string" && value.includes(`\${command:${command}}`);
}
