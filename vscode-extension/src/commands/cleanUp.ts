// "Clean Up Sidecars": `dapbridge cleanup`; those in use are ended only after a question.
import * as vscode from "vscode";
import type { Provision } from "../bridge/provision.ts";
import { lastWords } from "../bridge/run.ts";
import type { FailureReporter } from "../failures/reporter.ts";
import type { Log } from "../log.ts";

const END_THEM = "End Them Too…";
const SURE = "Let Go and End";
const LEFT = /left alone/;

export class CleanUp {
  readonly #provision: Provision;
  readonly #failures: FailureReporter;
  readonly #log: Log;

  constructor(provision: Provision, failures: FailureReporter, log: Log) {
    this.#provision = provision;
    this.#failures = failures;
    this.#log = log;
  }

  async run(): Promise<void> {
    const said = await this.#cleanUp();
    if (said === undefined || !LEFT.test(said)) {
      vscode.window.showInformationMessage(`dapbridge: ${said ?? "nothing was cleaned up"}`);
      return;
    }
    if ((await vscode.window.showInformationMessage(`dapbridge: ${said}`, END_THEM)) !== END_THEM) {
      return;
    }
    const detail = "Each is asked to let go of its target first, which runs on. Sessions that use them end, yours too.";
    const answer = await vscode.window.showWarningMessage("End the sidecars in use?", { modal: true, detail }, SURE);
    const ended = answer === SURE ? await this.#cleanUp("--all") : undefined;
    if (ended !== undefined) {
      vscode.window.showInformationMessage(`dapbridge: ${ended}`);
    }
  }

  /** Return what was done, in a line; undefined where it failed, which has been shown. */
  async #cleanUp(...options: string[]): Promise<string | undefined> {
    const bridge = await this.#provision.obtain();
    if (bridge === undefined) {
      return undefined;
    }
    const location = vscode.ProgressLocation.Notification;
    const outcome = await vscode.window.withProgress({ location, title: "Cleaning up sidecars" }, () =>
      bridge.run(["cleanup", ...options]),
    );
    this.#log.raw(outcome.stdout);
    const lines = outcome.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("to end those left"));
    if (outcome.code !== 0) {
      await this.#failures.report([...lines, lastWords(outcome)].join("; "));
      return undefined;
    }
    return lines.join("; ");
  }
}
