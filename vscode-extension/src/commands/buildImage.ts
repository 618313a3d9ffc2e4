// "Build the Sidecar Image": `dapbridge image build`, with its steps shown.
import * as vscode from "vscode";
import type { Provision } from "../bridge/provision.ts";
import { lastWords, type Outcome } from "../bridge/run.ts";
import type { Log } from "../log.ts";

const OTHER_BASE = "Build from Another Image…";
const OPEN_LOG = "Open Log";

export class ImageBuilder {
  readonly #provision: Provision;
  readonly #log: Log;

  constructor(provision: Provision, log: Log) {
    this.#provision = provision;
    this.#log = log;
  }

  /** Build the image; where that fails, offer another base. Returns whether it was built. */
  async build(base?: string): Promise<boolean> {
    const outcome = await this.#run(base);
    if (outcome === undefined) {
      return false;
    }
    if (outcome.code === 0) {
      vscode.window.showInformationMessage(`The sidecar image is built: ${outcome.stdout.trim()}`);
      return true;
    }
    const answer = await vscode.window.showErrorMessage(lastWords(outcome), OTHER_BASE, OPEN_LOG);
    if (answer === OPEN_LOG) {
      this.#log.show();
    }
    const other = answer === OTHER_BASE ? await askForBase() : undefined;
    return other === undefined ? false : this.build(other);
  }

  async #run(base: string | undefined): Promise<Outcome | undefined> {
    const bridge = await this.#provision.obtain();
    if (bridge === undefined) {
      return undefined;
    }
    const args = ["image", "build", ...(base === undefined ? [] : ["--base", base])];
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: "Building dapbridge's sidecar image",
      cancellable: true,
    };
    return vscode.window.withProgress(options, async (progress, cancellation) => {
      const abort = new AbortController();
      cancellation.onCancellationRequested(() => abort.abort());
      const onStderr = (text: string) => {
        this.#log.raw(text);
        progress.report({ message: text.trim().split("\n").at(-1) ?? "" });
      };
      const outcome = await bridge.run(args, { signal: abort.signal, onStderr });
      return abort.signal.aborted ? undefined : outcome;
    });
  }
}

function askForBase(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: "Build the sidecar image from another image",
    prompt: "A Debian 13 image that the Docker engine has or can pull",
    placeHolder: "debian:trixie",
    ignoreFocusOut: true,
  });
}
