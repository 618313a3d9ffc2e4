// Asks the bridge which targets run.
import type { Bridge } from "../bridge/bridge.ts";
import { lastWords } from "../bridge/run.ts";
import type { Log } from "../log.ts";
import { type ListedTarget, parseListing } from "./listing.ts";

const LIMIT_S = 60;

export class Lister {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Return the running targets, or those that are named. Throws an Error with a sentence for the user. */
  async list(bridge: Bridge, ...targets: string[]): Promise<readonly ListedTarget[]> {
    const outcome = await bridge.run(["ps", "--json", "--", ...targets], { limitS: LIMIT_S });
    if (outcome.stderr !== "") {
      this.#log.raw(outcome.stderr);
    }
    if (outcome.code !== 0) {
      throw new Error(lastWords(outcome));
    }
    return parseListing(outcome.stdout);
  }
}
