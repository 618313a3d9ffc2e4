// Follows the messages of every session: for the status bar, and for sources that aren't where they are looked for.
import * as vscode from "vscode";
import type { Ask } from "../adapter/bridgeAdapter.ts";
import type { Message } from "../adapter/framing.ts";
import type { RuleOffers } from "../rules/offers.ts";
import { Standstill } from "./standstill.ts";
import { StatusBar } from "./statusBar.ts";
import type { SessionState } from "./statusText.ts";

export interface Watcher {
  take(message: Message): void;
}

interface Watched {
  readonly session: vscode.DebugSession;
  readonly standstill: Standstill;
  attached: boolean;
}

export class SessionWatchers implements vscode.Disposable {
  readonly #sessions = new Map<string, Watched>();
  readonly #statusBar = new StatusBar(() => this.#states());
  readonly #offers: RuleOffers;
  readonly #listener: vscode.Disposable;

  constructor(offers: RuleOffers) {
    this.#offers = offers;
    this.#listener = vscode.debug.onDidTerminateDebugSession((session) => {
      this.#offers.forget(session);
      if (this.#sessions.delete(session.id)) {
        this.#statusBar.refresh();
      }
    });
  }

  /** Follow a session until it has ended. */
  watch(session: vscode.DebugSession, ask: Ask): Watcher {
    this.#offers.follow(session, ask);
    const watched: Watched = { session, standstill: new Standstill(), attached: false };
    this.#sessions.set(session.id, watched);
    return { take: (message) => this.#take(watched, message) };
  }

  dispose(): void {
    this.#listener.dispose();
    this.#statusBar.dispose();
  }

  #take(watched: Watched, message: Message): void {
    const { type, command, success } = message as Message & { command?: string; success?: boolean };
    const attachedNow = type === "response" && command === "attach" && success === true;
    if (attachedNow) {
      watched.attached = true;
    }
    if (watched.standstill.take(message, Date.now()) || attachedNow) {
      this.#statusBar.refresh();
    }
    this.#offers.take(watched.session, message);
  }

  #states(): SessionState[] {
    return [...this.#sessions.values()]
      .filter((each) => each.attached)
      .map(({ session, standstill }) => ({
        name: session.name,
        frozenSinceMs: standstill.since,
        maxPauseS: Number(session.configuration["maxPause"] ?? 0),
      }));
  }
}
