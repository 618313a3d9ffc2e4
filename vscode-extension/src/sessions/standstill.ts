// Since when a session's target stands still, by the messages of the session. Pure.
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Message } from "../adapter/framing.ts";

const RESUMING = new Set(["continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue", "restartFrame"]);

export class Standstill {
  #since: number | undefined;

  /** Milliseconds of the clock that `take` is given; undefined: the target runs. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Take a message in either direction. Returns whether the target has stopped or gone on by it. */
  take(message: Message, nowMs: number): boolean {
    const before = this.#since;
    if (message.type === "event") {
      const { event } = message as DebugProtocol.Event;
      if (event === "stopped") {
        this.#since = nowMs;
      } else if (event === "continued" || event === "terminated" || event === "exited") {
        this.#since = undefined;
      }
    } else if (message.type === "response") {
      const { command, success } = message as DebugProtocol.Response;
      if (success && (RESUMING.has(command) || command === "disconnect")) {
        this.#since = undefined;
      }
    }
    return before !== this.#since;
  }
}
