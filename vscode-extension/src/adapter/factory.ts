// Starts the bridge of a session.
import * as vscode from "vscode";
import type { Provision } from "../bridge/provision.ts";
import type { FailureReporter } from "../failures/reporter.ts";
import type { Log } from "../log.ts";
import type { SessionWatchers } from "../sessions/watchers.ts";
import { readSettings } from "../settings.ts";
import { BridgeAdapter } from "./bridgeAdapter.ts";

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  readonly #provision: Provision;
  readonly #watchers: SessionWatchers;
  readonly #failures: FailureReporter;
  readonly #log: Log;

  constructor(provision: Provision, watchers: SessionWatchers, failures: FailureReporter, log: Log) {
    this.#provision = provision;
    this.#watchers = watchers;
    this.#failures = failures;
    this.#log = log;
  }

  async createDebugAdapterDescriptor(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    const bridge = await this.#provision.obtain();
    if (bridge === undefined) {
      throw new Error("dapbridge was not found");
    }
    const { env, wireLog } = readSettings();
    const command = bridge.serveCommand(wireLog);
    this.#log.line(`session '${session.name}': ${command.join(" ")}`);
    const watcher = this.#watchers.watch(session, (request) => adapter.ask(request));
    const adapter: BridgeAdapter = new BridgeAdapter(command, env, {
      message: (message) => watcher.take(message),
      attachFailed: (text) => void this.#failures.report(text, session),
      logged: (text) => this.#log.raw(text),
    });
    return new vscode.DebugAdapterInlineImplementation(adapter);
  }
}
