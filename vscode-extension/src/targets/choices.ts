// The targets and processes that were chosen last, kept for the workspace: they come first the next time.

/** Where they are kept: VS Code's `Memento`. */
export interface Memory {
  get<T>(key: string, otherwise: T): T;
  update(key: string, value: unknown): Thenable<void>;
}

const TARGETS = "chosenTargets";
const PROCESSES = "chosenProcesses";
const MAX_TARGETS = 20;

export class Choices {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  async rememberTarget(target: string): Promise<void> {
    const others = this.#targets().filter((each) => each !== target);
    await this.#memory.update(TARGETS, [target, ...others].slice(0, MAX_TARGETS));
  }

  /** Remember a target's process by its command line: pids change. */
  async rememberProcess(target: string, command: string): Promise<void> {
    const others = Object.entries(this.#processes()).filter(([each]) => each !== target);
    const kept = [[target, command] as const, ...others].slice(0, MAX_TARGETS);
    await this.#memory.update(PROCESSES, Object.fromEntries(kept));
  }

  /** Return targets with those first that were chosen last. */
  sortTargets<T extends { readonly target: string }>(targets: readonly T[]): T[] {
    const chosen = this.#targets();
    const rank = (each: T) => (chosen.includes(each.target) ? chosen.indexOf(each.target) : chosen.length);
    return [...targets].sort((one, other) => rank(one) - rank(other));
  }

  /** Return processes with the one first that was chosen last, else with the main process. */
  sortProcesses<T extends { readonly command: readonly string[]; readonly main: boolean }>(
    target: string,
    processes: readonly T[],
  ): T[] {
    const chosen = this.#processes()[target];
    const rank = (each: T) => (each.command.join(" ") === chosen ? 0 : each.main ? 1 : 2);
    return [...processes].sort((one, other) => rank(one) - rank(other));
  }

  isLastTarget(target: string): boolean {
    return this.#targets()[0] === target;
  }

  #targets(): string[] {
    return this.#memory.get<string[]>(TARGETS, []);
  }

  #processes(): Record<string, string> {
    return this.#memory.get<Record<string, string>>(PROCESSES, {});
  }
}
