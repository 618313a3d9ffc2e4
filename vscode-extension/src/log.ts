// The extension's output channel: its own lines, and what the bridge logs.
import * as vscode from "vscode";

export class Log implements vscode.Disposable {
  readonly #channel = vscode.window.createOutputChannel("dapbridge", "log");

  /** Add a line of the extension's own, with the time as the bridge writes it. */
  line(text: string): void {
    const time = new Date().toISOString().replace("T", " ").replace("Z", "");
    this.#channel.appendLine(`${time} extension: ${text}`);
  }

  /** Add lines of a process as they are. */
  raw(text: string): void {
    this.#channel.append(text);
  }

  show(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
