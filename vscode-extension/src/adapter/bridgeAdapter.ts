// One session's bridge: a `dapbridge serve` over its stdin and stdout, as VS Code's debug adapter.
//
// Messages go through as they are, with one exception: an attach that fails is marked as shown, since the extension shows
// it with what can be done about it. Whatever ends the session, the bridge's stdin is closed, and the bridge lets go of
// the target; it is never killed while it does.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { DebugProtocol } from "@vscode/debugprotocol";
import * as vscode from "vscode";
import { Decoder, encode, type Message } from "./framing.ts";

/** More than the bridge takes to let go at the worst. */
const LET_GO_LIMIT_MS = 60_000;

/** Requests of the extension's own are numbered from here on, far from VS Code's. */
const FIRST_OWN_SEQ = 1_000_000_000;

/** Sends a request of the extension's own; its answer's body. Throws an Error with the bridge's words. */
export type Ask = (command: string) => Promise<unknown>;

export interface AdapterEvents {
  /** Every message in either direction, in order. */
  message(message: Message): void;
  /** The attach has failed, with what is to be told; not told when it was cancelled. */
  attachFailed(text: string): void;
  /** What the bridge logs. */
  logged(text: string): void;
}

export class BridgeAdapter implements vscode.DebugAdapter {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: AdapterEvents;
  readonly #emitter = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly #decoder = new Decoder();
  readonly #pending = new Map<number, string>();
  readonly #asked = new Map<number, (answer: DebugProtocol.Response) => void>();
  #lastAsked = FIRST_OWN_SEQ;
  #ended = false;
  #leaving = false;
  #disposed = false;

  readonly onDidSendMessage = this.#emitter.event;

  constructor(command: readonly [string, ...string[]], env: Readonly<Record<string, string>>, events: AdapterEvents) {
    const [program, ...args] = command;
    this.#events = events;
    this.#child = spawn(program, args, { env: { ...process.env, ...env } });
    this.#child.stdout.on("data", (data: Buffer) => this.#receive(data));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => events.logged(text));
    // A bridge that has ended takes nothing any more; its end is told by `close`.
    this.#child.stdin.on("error", () => {});
    this.#child.on("error", (error) => this.#end(`dapbridge can't be run: ${error.message}`));
    this.#child.on("close", (code, signal) =>
      this.#end(`dapbridge has ended unexpectedly (${signal ?? `exit code ${code}`})`),
    );
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    const sent = message as Message;
    if (sent.type === "request") {
      const { command } = sent as DebugProtocol.Request;
      this.#pending.set(sent.seq, command);
      this.#leaving ||= command === "disconnect";
    }
    this.#events.message(sent);
    this.#child.stdin.write(encode(sent));
  }

  /**
   * Ask the bridge something that VS Code knows nothing of. By VS Code's own `customRequest` the paths of an answer would
   * become addresses like `vscode-remote://…` in a remote window.
   */
  ask(command: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#lastAsked++;
      this.#pending.set(this.#lastAsked, command);
      this.#asked.set(this.#lastAsked, ({ success, message, body }) => {
        success ? resolve(body) : reject(new Error(message ?? `${command} failed`));
      });
      this.#child.stdin.write(encode({ type: "request", seq: this.#lastAsked, command } as Message));
    });
  }

  dispose(): void {
    if (this.#disposed) {
      return;
    }
    this.#disposed = true;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill(), LET_GO_LIMIT_MS);
    timer.unref();
    this.#child.on("close", () => clearTimeout(timer));
    this.#emitter.dispose();
  }

  #receive(data: Buffer): void {
    try {
      for (const message of this.#decoder.receive(data)) {
        this.#pass(message);
      }
    } catch (error) {
      this.#end(`dapbridge does not speak DAP: ${error instanceof Error ? error.message : error}`);
      this.#child.stdin.end();
    }
  }

  #pass(message: Message): void {
    if (message.type === "response") {
      const response = message as DebugProtocol.Response;
      this.#pending.delete(response.request_seq);
      const answer = this.#asked.get(response.request_seq);
      if (answer !== undefined) {
        this.#asked.delete(response.request_seq);
        answer(response);
        return;
      }
      if (!response.success && (response.command === "attach" || response.command === "launch")) {
        this.#tellFailure(response as DebugProtocol.ErrorResponse);
      }
    }
    this.#events.message(message);
    this.#emitter.fire(message as vscode.DebugProtocolMessage);
  }

  #tellFailure(response: DebugProtocol.ErrorResponse): void {
    const error = response.body?.error;
    if (error?.showUser === true) {
      error.showUser = false;
      this.#events.attachFailed(error.format);
    }
  }

  /** The bridge has gone: what is still asked is answered, and if nobody wanted it to go, the session ends. */
  #end(why: string): void {
    if (this.#ended || this.#disposed) {
      return;
    }
    this.#ended = true;
    for (const [seq, command] of [...this.#pending]) {
      const body = { error: { id: 1, format: why, showUser: true } };
      this.#pass({
        type: "response",
        seq: 0,
        request_seq: seq,
        command,
        success: false,
        message: why,
        body,
      } as Message);
    }
    if (!this.#leaving) {
      this.#events.logged(`${why}\n`);
      const body = { category: "important", output: `${why}\n` };
      this.#pass({ type: "event", seq: 0, event: "output", body } as Message);
      this.#pass({ type: "event", seq: 0, event: "terminated" } as Message);
    }
  }
}
