import assert from "node:assert/strict";
import { Choices, type Memory } from "../src/targets/choices.ts";

class MapMemory implements Memory {
  readonly #values = new Map<string, unknown>();

  get<T>(key: string, otherwise: T): T {
    return (this.#values.get(key) as T | undefined) ?? otherwise;
  }

  async update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, value);
  }
}

const targets = ["docker://a", "docker://b", "docker://c"].map((target) => ({ target }));

describe("choices", () => {
  it("of targets come first the next time, the last one at the top", async () => {
    const memory = new MapMemory();
    const choices = new Choices(memory);
    await choices.rememberTarget("docker://b");
    await choices.rememberTarget("docker://c");
    const sorted = new Choices(memory).sortTargets(targets);
    assert.deepEqual(
      sorted.map((each) => each.target),
      ["docker://c", "docker://b", "docker://a"],
    );
    assert.ok(choices.isLastTarget("docker://c"));
    assert.ok(!choices.isLastTarget("docker://b"));
  });

  it("of processes are known again by their command line, for pids change", async () => {
    const choices = new Choices(new MapMemory());
    const main = { command: ["/api"], main: true };
    const worker = { command: ["/api", "--worker"], main: false };
    assert.deepEqual(choices.sortProcesses("docker://a", [worker, main]), [main, worker]);
    await choices.rememberProcess("docker://a", "/api --worker");
    assert.deepEqual(choices.sortProcesses("docker://a", [main, worker]), [worker, main]);
    assert.deepEqual(choices.sortProcesses("docker://b", [worker, main]), [main, worker]);
  });
});
