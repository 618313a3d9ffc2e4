// Notices sources whose paths differ on the two sides, and offers the substitutePath rule that is missing.
//
// There are two signs: a breakpoint without code though the program has a source of that name, and a stop in a source
// that isn't there though the workspace has one of that name. Each source is offered once a session.
import { access } from "node:fs/promises";
import * as path from "node:path";
import type { DebugProtocol } from "@vscode/debugprotocol";
import * as vscode from "vscode";
import type { Ask } from "../adapter/bridgeAdapter.ts";
import type { Message } from "../adapter/framing.ts";
import type { Log } from "../log.ts";
import { findNamesakes, makeRule, type Rule } from "./substitutePath.ts";
import { addRuleAndAttachAgain } from "./writer.ts";

const NO_CODE = /^no code for this line/;
const ADD = "Add Rule and Attach Again";
const CHOOSE = "Choose…";
const MAX_FILES = 50;

interface Offered {
  readonly label: string;
  readonly rule: Rule;
}

interface Followed {
  readonly session: vscode.DebugSession;
  readonly ask: Ask;
  /** The sources of requests for breakpoints that are not answered yet, by their numbers. */
  readonly pending: Map<number, string>;
  /** The sources that rules were looked for already. */
  readonly seen: Set<string>;
}

export class RuleOffers {
  readonly #log: Log;
  readonly #followed = new Map<string, Followed>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Follow a session from its start. */
  follow(session: vscode.DebugSession, ask: Ask): void {
    this.#followed.set(session.id, { session, ask, pending: new Map(), seen: new Set() });
  }

  forget(session: vscode.DebugSession): void {
    this.#followed.delete(session.id);
  }

  /** Take a message of a session, in either direction. */
  take(session: vscode.DebugSession, message: Message): void {
    const followed = this.#followed.get(session.id);
    if (followed !== undefined && message.type === "request") {
      const { command, seq, arguments: args } = message as DebugProtocol.Request;
      const file =
        command === "setBreakpoints" ? (args as DebugProtocol.SetBreakpointsArguments).source.path : undefined;
      if (file !== undefined) {
        followed.pending.set(seq, file);
      }
    } else if (followed !== undefined && message.type === "response") {
      this.#takeResponse(followed, message as DebugProtocol.Response);
    }
  }

  /** Offer rules for the file in the editor, because the user asks for it. */
  async offerForEditor(): Promise<void> {
    const followed = this.#followed.get(vscode.debug.activeDebugSession?.id ?? "");
    const file = vscode.window.activeTextEditor?.document.uri.fsPath;
    if (followed === undefined || file === undefined) {
      vscode.window.showInformationMessage(
        "A substitutePath rule is made of the file in the editor, during a session.",
      );
      return;
    }
    const rules = await this.#rulesForSource(followed, file);
    if (rules.length === 0) {
      vscode.window.showInformationMessage(`The program has no source named ${path.basename(file)} at another path.`);
      return;
    }
    await choose(followed.session, rules);
  }

  #takeResponse(followed: Followed, response: DebugProtocol.Response): void {
    if (response.command === "setBreakpoints") {
      const source = followed.pending.get(response.request_seq);
      followed.pending.delete(response.request_seq);
      const { breakpoints = [] } = (response as DebugProtocol.SetBreakpointsResponse).body ?? {};
      if (source !== undefined && breakpoints.some((each) => !each.verified && NO_CODE.test(each.message ?? ""))) {
        this.#run(followed, source, () => this.#rulesForSource(followed, source));
      }
    } else if (response.command === "stackTrace" && response.success) {
      const [frame] = (response as DebugProtocol.StackTraceResponse).body.stackFrames;
      const source = frame?.source;
      if (source?.path !== undefined && !source.sourceReference && source.presentationHint !== "deemphasize") {
        const { path: missing } = source;
        this.#run(followed, missing, () => this.#rulesForMissing(missing));
      }
    }
  }

  /** Look for rules in the background, once for each source, and offer what is found. */
  #run({ session, seen }: Followed, source: string, find: () => Promise<Offered[]>): void {
    if (seen.has(source)) {
      return;
    }
    seen.add(source);
    find()
      .then((rules) => offer(session, source, rules))
      .catch((error) => this.#log.line(`no substitutePath rule for ${source}: ${error}`));
  }

  /** For a client's source: the program's sources of that name, but for those that have a file here already. */
  async #rulesForSource({ ask }: Followed, file: string): Promise<Offered[]> {
    const { sources } = (await ask("loadedSources")) as DebugProtocol.LoadedSourcesResponse["body"];
    const paths = [...new Set(sources.flatMap((each) => each.path ?? []))];
    const found: Offered[] = [];
    for (const target of findNamesakes(file, paths)) {
      found.push(...((await exists(target)) ? [] : makeOffered(file, target, target)));
    }
    return found;
  }

  /** For a source of the program that isn't there: the workspace's files of that name. */
  async #rulesForMissing(target: string): Promise<Offered[]> {
    if (await exists(target)) {
      return [];
    }
    const files = await vscode.workspace.findFiles(`**/${path.posix.basename(target)}`, undefined, MAX_FILES);
    return files.flatMap(({ fsPath }) => makeOffered(fsPath, target, fsPath));
  }
}

function makeOffered(client: string, target: string, label: string): Offered[] {
  const rule = makeRule(client, target);
  return rule === undefined ? [] : [{ label, rule }];
}

async function offer(session: vscode.DebugSession, source: string, rules: readonly Offered[]): Promise<void> {
  const [first, ...others] = rules;
  if (first === undefined) {
    return;
  }
  const shown = others.length === 0 ? `${first.rule.from} ↔ ${first.rule.to}` : `one of ${rules.length} rules`;
  const text = `${path.posix.basename(source)} lies elsewhere than where the program was built. A substitutePath rule maps it: ${shown}`;
  const answer = await vscode.window.showWarningMessage(text, others.length === 0 ? ADD : CHOOSE);
  if (answer === ADD) {
    await addRuleAndAttachAgain(session, first.rule);
  } else if (answer === CHOOSE) {
    await choose(session, rules);
  }
}

async function choose(session: vscode.DebugSession, rules: readonly Offered[]): Promise<void> {
  const items = rules.map(({ label, rule }) => ({ label, description: `${rule.from} ↔ ${rule.to}`, rule }));
  const placeHolder = "The same source on the other side; the rule is added to launch.json";
  const chosen = await vscode.window.showQuickPick(items, { title: "Add a substitutePath rule", placeHolder });
  if (chosen !== undefined) {
    await addRuleAndAttachAgain(session, chosen.rule);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
