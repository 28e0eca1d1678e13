import test from 'ava';
import {controlIpc, readRequest} from '../../src/control/control-wire.ts';
import * as fc from '../helpers/any.ts';

const EVENTS: ReadonlySet<string> = new Set(['request', 'response', 'event']);

/** Ends a frame. */
const END = '\f';

const type = fc.oneof(
  fc.constantFrom('request', 'response', 'event', 'connect', 'error', 'data', '__proto__', 'toString', ''),
  fc.string(),
);
const frame = fc.oneof(
  fc.string(),
  fc.json(),
  fc.tuple(type, fc.jsonValue()).map(([name, data]) => JSON.stringify({type: name, data})),
  fc.constantFrom('{"type":"request","data":null}', '[]', 'null', '"request"', '{"__proto__":{"a":1}}'),
  fc.integer({min: 1, max: 20}).map((times) => 'x'.repeat(times * 8192)),
);
const pieces = fc.array(
  fc.tuple(frame, fc.constantFrom(END, END, '', '\n', '\0')).map((all) => all.join('')),
  {
    maxLength: 6,
  },
);

test('whatever frames come, only our events are read, and no more than a request is kept', (t) => {
  const {config} = controlIpc('/nowhere/control.sock', 'daemon');
  const {parser} = config;
  if (typeof parser !== 'function') return t.fail('the daemon reads without a parser of its own');
  let read = 0;
  const property = fc.property(pieces, (chunks) => {
    const reader = new parser(config);
    let rest = '';
    for (const chunk of chunks) {
      try {
        rest = reader.read(rest, chunk, (message: unknown) => {
          read++;
          const {type: name, data} = Object(message);
          if (!EVENTS.has(name)) throw new Error(`an event ${String(name)} was read`);
          readRequest(data);
        });
      } catch (error) {
        // the connection ends here
        if (error instanceof Error && error.name === 'IPCProtocolError') return;
        throw error;
      }
      if (rest.length > 64 * 1024) throw new Error(`${rest.length} characters are kept`);
    }
  });
  t.notThrows(() => fc.assert(property, {numRuns: 20_000}));
  t.true(read > 300, `${read} events were read`);
  t.false('a' in {});
});
