// Getting a bridge when there is none: one is chosen, installed, or run from a package without being installed.
import * as vscode from "vscode";
import type { Log } from "../log.ts";
import { readSettings, writeSetting } from "../settings.ts";
import { Bridge } from "./bridge.ts";
import { findTool } from "./candidates.ts";
import { type BridgeFinder, lookAround } from "./finder.ts";
import { lastWords, run } from "./run.ts";

const CHOOSE = "Choose…";
const INSTALL = "Install…";
const OPEN_LOG = "Open Log";

interface Way extends vscode.QuickPickItem {
  carryOut(source: string): Promise<boolean>;
}

export class Provision {
  readonly #finder: BridgeFinder;
  readonly #log: Log;

  constructor(finder: BridgeFinder, log: Log) {
    this.#finder = finder;
    this.#log = log;
  }

  /** Return the bridge; where there is none, offer to get it, and return undefined if the user doesn't want to. */
  async obtain(): Promise<Bridge | undefined> {
    for (;;) {
      const found = await this.#finder.find();
      if (found instanceof Bridge) {
        return found;
      }
      const install = found.kind === "old" ? "Update…" : INSTALL;
      const answer = await vscode.window.showErrorMessage(found.why, install, CHOOSE, OPEN_LOG);
      if (answer === OPEN_LOG || answer === undefined) {
        if (answer !== undefined) {
          this.#log.show();
        }
        return undefined;
      }
      if (!(answer === CHOOSE ? await this.#choose() : await this.#install())) {
        return undefined;
      }
    }
  }

  /** Let the user choose or install a bridge, whether there is one or not. */
  async change(): Promise<void> {
    const items = [
      { label: "Choose an executable…", act: () => this.#choose() },
      { label: "Install, or run with uvx or pipx…", act: () => this.#install() },
    ];
    const chosen = await vscode.window.showQuickPick(items, {
      title: "dapbridge",
      placeHolder: "How to get dapbridge",
    });
    if ((await chosen?.act()) === true) {
      const bridge = await this.obtain();
      if (bridge !== undefined) {
        vscode.window.showInformationMessage(`dapbridge ${bridge.version}: ${bridge.command.join(" ")}`);
      }
    }
  }

  async #choose(): Promise<boolean> {
    const chosen = await vscode.window.showOpenDialog({ title: "The dapbridge executable", openLabel: "Use" });
    const file = chosen?.[0];
    if (file === undefined) {
      return false;
    }
    await writeSetting("command", [file.fsPath]);
    this.#finder.forget();
    return true;
  }

  async #install(): Promise<boolean> {
    const ways = await this.#findWays();
    if (ways.length === 0) {
      vscode.window.showErrorMessage("There is no uv, pipx or Python environment here to install dapbridge with.");
      return false;
    }
    const source = readSettings().package || (await askForSource());
    if (source === undefined || source === "") {
      return false;
    }
    const way = await vscode.window.showQuickPick(ways, { title: `dapbridge from ${source}` });
    if (way === undefined || !(await way.carryOut(source))) {
      return false;
    }
    this.#finder.forget();
    return true;
  }

  async #findWays(): Promise<Way[]> {
    const surroundings = await lookAround();
    const ways: Way[] = [];
    const [uvx, pipx, uv] = ["uvx", "pipx", "uv"].map((name) => findTool(name, surroundings));
    const python = surroundings.pythons.find((each) => surroundings.canRun(each));
    const runner = uvx ?? pipx;
    if (runner !== undefined) {
      const label = `Run with ${uvx === undefined ? "pipx run" : "uvx"}`;
      ways.push({ label, description: "without installing it", carryOut: (source) => this.#runFrom(source) });
    }
    if (uv !== undefined) {
      ways.push(this.#installer("uv tool install", (source) => [uv, "tool", "install", "--force", source]));
    }
    if (pipx !== undefined) {
      ways.push(this.#installer("pipx install", (source) => [pipx, "install", "--force", source]));
    }
    if (python !== undefined) {
      const command = (source: string) => [python, "-m", "pip", "install", "--upgrade", source] as const;
      ways.push(this.#installer(`pip install, into the environment of ${python}`, command));
    }
    return ways;
  }

  async #runFrom(source: string): Promise<boolean> {
    await writeSetting("command", []);
    await writeSetting("package", source);
    return true;
  }

  #installer(label: string, command: (source: string) => readonly [string, ...string[]]): Way {
    return { label, carryOut: (source) => this.#runInstaller(label, command(source)) };
  }

  async #runInstaller(label: string, command: readonly [string, ...string[]]): Promise<boolean> {
    const location = vscode.ProgressLocation.Notification;
    this.#log.line(command.join(" "));
    const outcome = await vscode.window.withProgress({ location, title: `dapbridge: ${label}` }, () =>
      run(command, { env: readSettings().env, onStderr: (text) => this.#log.raw(text) }),
    );
    this.#log.raw(outcome.stdout);
    if (outcome.code === 0) {
      return true;
    }
    const answer = await vscode.window.showErrorMessage(`${label} failed: ${lastWords(outcome)}`, OPEN_LOG);
    if (answer !== undefined) {
      this.#log.show();
    }
    return false;
  }
}

async function askForSource(): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: "Where dapbridge is to be taken from",
    prompt: "The folder of a checkout, a wheel, or an address that pip understands. No package registry has it yet.",
    placeHolder: "/home/me/dapbridge",
    ignoreFocusOut: true,
  });
}
