// Asks what to attach to: the container, then the process where it has several.
import type { ProcessPicker } from "../targets/processPicker.ts";
import type { TargetPicker } from "../targets/targetPicker.ts";
import { type AttachConfiguration, configure, configureTarget } from "./attachConfiguration.ts";

export class AttachPrompt {
  readonly #targets: TargetPicker;
  readonly #processes: ProcessPicker;

  constructor(targets: TargetPicker, processes: ProcessPicker) {
    this.#targets = targets;
    this.#processes = processes;
  }

  /** Return the configuration of what the user picks; undefined: given up. Throws an Error with a sentence. */
  async ask(): Promise<AttachConfiguration | undefined> {
    const picked = await this.#targets.pick();
    if (picked === undefined) {
      return undefined;
    }
    const { listed } = picked;
    if (listed === undefined) {
      return configure(picked.name, picked.target);
    }
    if (listed.processes.length < 2) {
      // With none there is a reason why they can't be seen, and the attach tells it better.
      return configureTarget(listed);
    }
    const process = await this.#processes.pick(listed);
    return process && configure(`${listed.name}: ${process.name}`, listed.target, process);
  }
}
