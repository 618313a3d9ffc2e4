// Running a command to its end.
import { spawn } from "node:child_process";

export interface Outcome {
  /** undefined: it could not be started, was killed, or took too long; `problem` says which. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly problem: string | undefined;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly limitS?: number;
  readonly signal?: AbortSignal;
  /** Gets what the command writes to stderr, as it comes. */
  readonly onStderr?: (text: string) => void;
}

/** Run a command and return what it said; never throws. */
export function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<Outcome> {
  const [program, ...more] = command;
  return new Promise((resolve) => {
    const child = spawn(program, more, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: (options.limitS ?? 0) * 1000,
      ...(options.signal && { signal: options.signal }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      options.onStderr?.(text);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const problem = error.code === "ENOENT" ? `there is no ${program}` : error.message;
      resolve({ code: undefined, stdout, stderr, problem });
    });
    child.on("close", (code, signal) => {
      const problem = signal === null ? undefined : `ended by ${signal}, after at most ${options.limitS ?? "∞"} s`;
      resolve({ code: code ?? undefined, stdout, stderr, problem });
    });
  });
}

/** Return what a command that failed said last, for the user. */
export function lastWords(outcome: Outcome): string {
  const lines = outcome.stderr.trim().split("\n");
  const last = (lines.at(-1) ?? "").replace(/^Error: /, "").trim();
  return last || outcome.problem || `it ended with exit code ${outcome.code}`;
}
