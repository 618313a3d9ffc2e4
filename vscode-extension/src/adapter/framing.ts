// The base protocol of DAP: a header with Content-Length, then JSON. Bytes in, messages out; no I/O.
import { Buffer } from "node:buffer";
import type { DebugProtocol } from "@vscode/debugprotocol";

export type Message = DebugProtocol.ProtocolMessage;

const HEADER_END = "\r\n\r\n";
const MAX_HEADER_BYTES = 4096;

/** Return a message as it goes over the wire. */
export function encode(message: Message): Buffer {
  const body = Buffer.from(JSON.stringify(message), "utf8");
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}${HEADER_END}`, "ascii"), body]);
}

/** Cuts a stream into messages. */
export class Decoder {
  #chunks: Buffer[] = [];
  #received = 0;
  #wanted: number | undefined;

  /** Take bytes; return the messages that are complete. Throws an Error where it is no such stream. */
  receive(data: Buffer): Message[] {
    this.#chunks.push(data);
    this.#received += data.length;
    const messages: Message[] = [];
    for (let body = this.#next(); body !== undefined; body = this.#next()) {
      messages.push(JSON.parse(body.toString("utf8")) as Message);
    }
    return messages;
  }

  #next(): Buffer | undefined {
    if (this.#wanted === undefined) {
      this.#wanted = this.#takeHeader();
    }
    if (this.#wanted === undefined || this.#received < this.#wanted) {
      return undefined;
    }
    const body = this.#take(this.#wanted);
    this.#wanted = undefined;
    return body;
  }

  #takeHeader(): number | undefined {
    const joined = this.#join();
    const end = joined.indexOf(HEADER_END);
    if (end < 0) {
      if (joined.length > MAX_HEADER_BYTES) {
        throw new Error(`no header of DAP but ${JSON.stringify(joined.toString("latin1", 0, 100))}`);
      }
      return undefined;
    }
    const header = this.#take(end + HEADER_END.length).toString("latin1");
    const length = /^Content-Length: *(\d+)\s*$/im.exec(header)?.[1];
    if (length === undefined) {
      throw new Error(`no Content-Length in the header ${JSON.stringify(header.slice(0, 100))}`);
    }
    return Number(length);
  }

  #take(count: number): Buffer {
    const joined = this.#join();
    this.#chunks = [joined.subarray(count)];
    this.#received -= count;
    return joined.subarray(0, count);
  }

  // Long bodies come in many chunks: they are joined once, when all are there.
  #join(): Buffer {
    const [first, ...others] = this.#chunks;
    if (first !== undefined && others.length === 0) {
      return first;
    }
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
