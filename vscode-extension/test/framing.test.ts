import assert from "node:assert/strict";
import { Decoder, encode, type Message } from "../src/adapter/framing.ts";

const MESSAGES: readonly Message[] = [
  { type: "event", seq: 1, event: "output", body: { output: "grüße 🙂\r\n\r\nContent-Length: 3" } },
  { type: "event", seq: 2, event: "terminated" },
] as unknown as Message[];

describe("framing", () => {
  const stream = Buffer.concat(MESSAGES.map(encode));

  it("decodes what was encoded, in one piece", () => {
    assert.deepEqual(new Decoder().receive(stream), MESSAGES);
  });

  it("decodes byte by byte", () => {
    const decoder = new Decoder();
    assert.deepEqual(
      [...stream].flatMap((byte) => decoder.receive(Buffer.from([byte]))),
      MESSAGES,
    );
  });

  it("keeps a tail for later", () => {
    const decoder = new Decoder();
    assert.deepEqual(decoder.receive(stream.subarray(0, -5)), MESSAGES.slice(0, 1));
    assert.deepEqual(decoder.receive(stream.subarray(-5)), MESSAGES.slice(1));
  });

  it("refuses a header without a length", () => {
    assert.throws(() => new Decoder().receive(Buffer.from("Content-Type: x\r\n\r\n{}")), /no Content-Length/);
  });

  it("refuses a stream without an end of its header", () => {
    assert.throws(() => new Decoder().receive(Buffer.alloc(5000, "x")), /no header of DAP/);
  });
});
