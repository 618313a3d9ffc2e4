import assert from "node:assert/strict";
import { findRemedies } from "../src/failures/remedies.ts";

// The texts are the bridge's own; tests/test_vscode_extension.py looks whether they still are.
const EXPECTED: readonly (readonly [string, readonly string[]])[] = [
  ["the sidecar image can't be built: no output; build it by hand from a Debian 13 image", ["buildImage"]],
  ["the sidecar image 'x:1' is missing (docker context 'default'), and sidecar.pull is 'never'", ["buildImage"]],
  [
    "no container named 'ap' (docker context 'default'); running ones with similar names: api",
    ["pickTarget", "openConfiguration"],
  ],
  ["container 'api' is paused; unpause it first: docker unpause api", ["retry", "pickTarget"]],
  ["no process 7 in the target; there are 1 (api)", ["pickProcess"]],
  ["several processes are like 'api'; set 'process' to one pid of 1 (api), 7 (api)", ["pickProcess"]],
  [
    "permission denied on the Docker engine's socket (docker context 'default') for uid 1000: join",
    ["retry", "openSettings"],
  ],
  ['"maxPause": expected a number of seconds, 0 for no limit, got "x"', ["openConfiguration"]],
  ["process 1 (api) is already traced by strace", ["retry"]],
];

describe("remedies", () => {
  for (const [text, remedies] of EXPECTED) {
    it(`of "${text.slice(0, 50)}…"`, () => {
      assert.deepEqual(findRemedies(text), [...remedies, "openLog"]);
    });
  }
});
