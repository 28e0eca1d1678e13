import {OrgkeyError} from '../../text/orgkey-error.ts';

/** Bytes that violate SSH's encoding: too short, too long, or with a rest. */
export class WireError extends OrgkeyError {
  constructor(message: string) {
    super('ERR_SSH_PROTOCOL', message);
  }
}

/**
 * Reads SSH's data types from one message. Each method throws a `WireError` at its end.
 * @see https://www.rfc-editor.org/rfc/rfc4251#section-5
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  /** Returns a view, not a copy. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  /** Returns one character for each byte: SSH's names are ASCII, and a command is compared byte for byte. */
  text(): string {
    return this.string().toString('latin1');
  }

  /** @throws {WireError} if bytes are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new WireError('a message has a rest');
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new WireError('a message is too short');
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}

export function byte(value: number): Buffer {
  return Buffer.of(value);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Encodes a string: its length, then its bytes. */
export function string(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Encodes an unsigned big-endian number in SSH's shortest form. */
export function mpint(value: Uint8Array): Buffer {
  const start = value.findIndex((digit) => digit !== 0);
  const digits = start === -1 ? Buffer.alloc(0) : Buffer.from(value.subarray(start));
  const first = digits[0];
  // the highest bit would make it negative
  return string(first !== undefined && first >= 0x80 ? Buffer.concat([byte(0), digits]) : digits);
}
