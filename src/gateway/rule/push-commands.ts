import {createGunzip, type Gunzip} from 'node:zlib';
import {OrgkeyError} from '../../text/orgkey-error.ts';

/** One line of a push: which ref goes from which object to which. */
interface PushCommand {
  readonly ref: string;
  readonly kind: 'create' | 'update' | 'delete';
}

/** The list of commands at the head of a push. */
export interface PushHead {
  readonly commands: readonly PushCommand[];
  /** What the client declared: `report-status`, `side-band-64k` … */
  readonly capabilities: ReadonlySet<string>;
}

/** A push whose list of commands cannot be read is denied. The message is half a sentence. */
export class PushHeadError extends OrgkeyError {
  override readonly name = 'PushHeadError';

  constructor(message: string) {
    super('ERR_GATEWAY_REQUEST', message, {hint: 'push without --signed, and fewer refs at once'});
  }
}

/** In bytes: the list of 1,000 refs takes about 150 KiB. */
const MAX_HEAD = 8 * 1024 * 1024;
const MAX_COMMANDS = 20_000;

/**
 * Reads the body of a push until its list of commands is complete, at a bounded cost for each byte. The bytes stay in
 * `received`, as they came, and are sent on if the push is allowed.
 * @see https://git-scm.com/docs/pack-protocol#_reference_update_request_and_packfile_transfer
 */
class PushHeadReader {
  readonly received: Buffer[] = [];
  readonly #commands: PushCommand[] = [];
  #capabilities: ReadonlySet<string> = new Set();
  #head: PushHead | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #length = 0;
  #error: PushHeadError | undefined;
  readonly #gunzip: Gunzip | undefined;

  /** @throws {PushHeadError} if the encoding is not one that git uses. */
  constructor(encoding: string | undefined) {
    if (encoding !== undefined && encoding !== 'gzip') throw new PushHeadError('its encoding is not gzip');
    this.#gunzip = encoding === 'gzip' ? createGunzip() : undefined;
    this.#gunzip?.on('data', (chunk: Buffer) => this.#add(chunk));
    this.#gunzip?.on('error', () => (this.#error ??= new PushHeadError('it is not gzip')));
  }

  /**
   * Takes the next bytes of the body. Returns `undefined` if more are needed.
   * @throws {PushHeadError} if the list is malformed, too large, or signed: a signature could hide commands from us.
   */
  async take(chunk: Buffer): Promise<PushHead | undefined> {
    this.received.push(chunk);
    const gunzip = this.#gunzip;
    if (gunzip === undefined) this.#add(chunk);
    else await inflate(gunzip, chunk);
    if (this.#error !== undefined) throw this.#error;
    return this.#head;
  }

  /** Frees the decoder. */
  end(): void {
    this.#gunzip?.destroy();
  }

  #add(chunk: Buffer): void {
    if (this.#head !== undefined || this.#error !== undefined) return;
    this.#length += chunk.length;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    try {
      this.#readPackets();
      if (this.#length > MAX_HEAD)
        throw new PushHeadError(`its list of commands is longer than ${MAX_HEAD} bytes`);
    } catch (error) {
      if (!(error instanceof PushHeadError)) throw error;
      this.#error = error;
    }
  }

  #readPackets(): void {
    for (;;) {
      const packet = readPacket(this.#rest);
      if (packet === undefined) return;
      this.#rest = this.#rest.subarray(packet.used);
      if (packet.text === undefined) {
        this.#head = {commands: this.#commands, capabilities: this.#capabilities};
        return;
      }
      this.#readLine(packet.text);
    }
  }

  #readLine(line: string): void {
    if (/^shallow [0-9a-f]{40,64}\n?$/.test(line)) return;
    const [command = '', listed] = line.split('\0', 2);
    if (listed !== undefined) {
      if (this.#commands.length > 0) throw new PushHeadError('capabilities follow a second command');
      this.#capabilities = new Set(listed.trim().split(' '));
    }
    this.#commands.push(parseCommand(command));
    if (this.#commands.length > MAX_COMMANDS)
      throw new PushHeadError(`it has more than ${MAX_COMMANDS} commands`);
  }
}

/**
 * Reads the body of a push until its list of commands is complete.
 * @throws {PushHeadError} if it cannot be read.
 */
export async function readPushHead(
  body: {next(): Promise<Buffer | undefined>},
  encoding: string | undefined,
): Promise<{readonly head: PushHead; readonly received: readonly Buffer[]}> {
  const reader = new PushHeadReader(encoding);
  try {
    for (;;) {
      const chunk = await body.next();
      if (chunk === undefined) throw new PushHeadError('its list of commands does not end');
      const head = await reader.take(chunk);
      if (head !== undefined) return {head, received: reader.received};
    }
  } finally {
    reader.end();
  }
}

/** Resolves when the chunk is decoded, or cannot be. */
function inflate(gunzip: Gunzip, chunk: Buffer): Promise<void> {
  if (gunzip.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    gunzip.once('close', resolve);
    gunzip.write(chunk, () => {
      gunzip.off('close', resolve);
      resolve();
    });
  });
}

interface Packet {
  /** `undefined`: the flush packet. */
  readonly text: string | undefined;
  readonly used: number;
}

function readPacket(bytes: Buffer): Packet | undefined {
  if (bytes.length < 4) return undefined;
  const digits = bytes.toString('latin1', 0, 4);
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw new PushHeadError('it is not made of pkt-lines');
  const length = Number.parseInt(digits, 16);
  if (length === 0) return {text: undefined, used: 4};
  if (length < 5 || length > 65_520) throw new PushHeadError('a pkt-line has an impossible length');
  return bytes.length < length ? undefined : {text: bytes.toString('utf8', 4, length), used: length};
}

function parseCommand(text: string): PushCommand {
  const [, before = '', after = '', ref] =
    /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\s\p{Cc}]{1,1024})\n?$/u.exec(text) ?? [];
  if (ref === undefined) throw new PushHeadError('it has a line that is not a command');
  if (before.length !== after.length) throw new PushHeadError('its object names differ in length');
  if (!ref.startsWith('refs/') || /\.\.|\/\/|[\\~^:?*[]|@\{|\/$|\.$|\.lock(?:\/|$)|\/\./.test(ref))
    throw new PushHeadError('it names an invalid ref');
  if (/^0+$/.test(after)) return {ref, kind: 'delete'};
  return {ref, kind: /^0+$/.test(before) ? 'create' : 'update'};
}
