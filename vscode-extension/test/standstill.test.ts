import assert from "node:assert/strict";
import type { Message } from "../src/adapter/framing.ts";
import { Standstill } from "../src/sessions/standstill.ts";
import { describeSessions } from "../src/sessions/statusText.ts";

const event = (name: string) => ({ type: "event", seq: 1, event: name }) as Message;
const answer = (command: string, success = true) =>
  ({ type: "response", seq: 1, command, success }) as unknown as Message;

describe("standstill", () => {
  it("begins with a stop and ends when the target goes on", () => {
    for (const ending of [
      event("continued"),
      event("terminated"),
      answer("continue"),
      answer("next"),
      answer("disconnect"),
    ]) {
      const standstill = new Standstill();
      assert.equal(standstill.take(event("stopped"), 5), true);
      assert.equal(standstill.since, 5);
      assert.equal(standstill.take(ending, 6), true);
      assert.equal(standstill.since, undefined);
    }
  });

  it("goes on where a step was refused, or something was only looked at", () => {
    const standstill = new Standstill();
    standstill.take(event("stopped"), 5);
    for (const message of [answer("next", false), answer("stackTrace"), event("output")]) {
      assert.equal(standstill.take(message, 6), false);
    }
    assert.equal(standstill.since, 5);
  });
});

describe("the status bar", () => {
  const runs = { name: "web", frozenSinceMs: undefined, maxPauseS: 0 };
  const stands = { name: "api", frozenSinceMs: 1000, maxPauseS: 30 };

  it("shows nothing without a session", () => {
    assert.equal(describeSessions([], 0), undefined);
  });

  it("shows what is attached", () => {
    const shown = describeSessions([runs], 0);
    assert.equal(shown?.text, "$(debug-alt) web");
    assert.equal(shown?.frozen, false);
  });

  it("shows for how long a target stands, and what ends that", () => {
    const shown = describeSessions([stands], 13_900);
    assert.equal(shown?.text, "$(debug-pause) api: target frozen for 12 s");
    assert.match(shown?.tooltip ?? "", /stands still for 12 s; it goes on by itself after 30 s \(maxPause\)/);
  });

  it("shows the one that stands longest, and how many more there are", () => {
    const later = { ...stands, name: "db", frozenSinceMs: 5000 };
    const shown = describeSessions([runs, later, stands], 6000);
    assert.equal(shown?.text, "$(debug-pause) api (+2): target frozen for 5 s");
    assert.equal(shown?.tooltip.split("\n").length, 3);
  });
});
