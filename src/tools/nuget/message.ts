import {isRecord, parseRecord, type JsonRecord} from '../../text/record.ts';

/**
 * A message of NuGet's plugin protocol, one JSON object on a line.
 * @see https://learn.microsoft.com/nuget/reference/extensibility/nuget-cross-platform-plugins
 */
export interface Message {
  readonly id: string;
  readonly type: (typeof TYPES)[number];
  readonly method: string;
  readonly payload: Payload;
}

const TYPES = ['Request', 'Response', 'Progress', 'Fault', 'Cancel'] as const;

/** Reads a line. `undefined`: not a message. */
export function readMessage(line: string): Message | undefined {
  const record = parseRecord(line.replace(/^\uFEFF/, ''));
  if (record === undefined) return undefined;
  const fields = new Payload(record);
  const id = fields.text('RequestId');
  const method = fields.text('Method');
  const named = fields.text('Type')?.toLowerCase();
  const type = TYPES.find((one) => one.toLowerCase() === named);
  if (id === undefined || method === undefined || type === undefined) return undefined;
  const payload = fields.value('Payload');
  return {id, type, method, payload: new Payload(isRecord(payload) ? payload : {})};
}

export function writeMessage(
  {id, type, method}: Pick<Message, 'id' | 'type' | 'method'>,
  payload: object | undefined,
): string {
  return `${JSON.stringify({RequestId: id, Type: type, Method: method, Payload: payload})}\n`;
}

/** The fields of an object. NuGet's own reader ignores the case of their names. */
export class Payload {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(record: JsonRecord) {
    this.#fields = new Map(Object.entries(record).map(([name, value]) => [name.toLowerCase(), value]));
  }

  value(name: string): unknown {
    return this.#fields.get(name.toLowerCase()) ?? undefined;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    return typeof value === 'string' ? value : undefined;
  }

  isSet(name: string): boolean {
    return this.value(name) === true;
  }
}
