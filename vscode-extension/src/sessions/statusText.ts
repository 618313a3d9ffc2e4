// The text of the status bar. Pure.

export interface SessionState {
  readonly name: string;
  /** Since when its target stands still, in milliseconds; undefined: it runs. */
  readonly frozenSinceMs: number | undefined;
  /** After how many seconds it is let go on by itself; 0: never. */
  readonly maxPauseS: number;
}

export interface StatusText {
  readonly text: string;
  readonly tooltip: string;
  readonly frozen: boolean;
}

/** Return what to show of the sessions, the one that stands longest first; undefined without a session. */
export function describeSessions(sessions: readonly SessionState[], nowMs: number): StatusText | undefined {
  const standing = sessions
    .filter((each) => each.frozenSinceMs !== undefined)
    .sort((one, other) => (one.frozenSinceMs ?? 0) - (other.frozenSinceMs ?? 0));
  const first = standing[0] ?? sessions[0];
  if (first === undefined) {
    return undefined;
  }
  const more = sessions.length > 1 ? ` (+${sessions.length - 1})` : "";
  const state = first.frozenSinceMs === undefined ? "" : `: target frozen for ${seconds(first.frozenSinceMs, nowMs)} s`;
  return {
    text: `${first.frozenSinceMs === undefined ? "$(debug-alt)" : "$(debug-pause)"} ${first.name}${more}${state}`,
    tooltip: sessions.map((each) => describe(each, nowMs)).join("\n"),
    frozen: standing.length > 0,
  };
}

function describe(session: SessionState, nowMs: number): string {
  if (session.frozenSinceMs === undefined) {
    return `dapbridge is attached to ${session.name}, which runs`;
  }
  const frozen = seconds(session.frozenSinceMs, nowMs);
  const limit = session.maxPauseS > 0 ? `; it goes on by itself after ${session.maxPauseS} s (maxPause)` : "";
  return `dapbridge is attached to ${session.name}, which stands still for ${frozen} s${limit}`;
}

function seconds(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
}
