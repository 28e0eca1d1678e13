import {once} from 'node:events';
import {chmodSync, existsSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {AuditTrail} from '../../../src/daemon/record/audit-trail.ts';
import type {AuditEntry} from '../../../src/daemon/record/audit-entry.ts';
import {JournalCopy} from '../../../src/daemon/record/journal-copy.ts';
import {startTimer} from '../../helpers/timers.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

const request = (at: number): AuditEntry => ({
  time: '2026-11-21T00:00:00.000Z',
  event: 'get',
  outcome: 'served',
  socket: 'git',
  id: String(at),
});
const change: AuditEntry = {
  time: '2026-11-21T00:00:00.000Z',
  event: 'key',
  outcome: 'added',
  socket: 'daemon',
  reason: 'a\nPRIORITY=0\nORGKEY_EVENT=get',
  added: ['contoso', 'fabrikam'],
};
const lineOf = (entry: AuditEntry) => `${JSON.stringify(entry)}\n`;

/** A stand-in for journald's stream socket: it keeps what each connection sends. */
async function journald(t: ExecutionContext, path: string, {reads = true} = {}) {
  const texts: string[] = [];
  const sockets = new Set<Socket>();
  const ends: Promise<unknown>[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    const at = texts.push('') - 1;
    ends.push(once(socket, 'close'));
    socket.on('error', () => undefined).setEncoding('utf8');
    if (reads) socket.on('data', (text: string) => (texts[at] += text));
  });
  server.listen(path);
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  t.teardown(() => (server.listening ? stop() : undefined));
  /** Resolves when all is read that was sent. */
  const read = async () => {
    if (texts.length === 0) await once(server, 'connection');
    await Promise.all(ends);
  };
  return {texts, read, stop};
}

/** A stand-in for logger, which keeps its arguments and input. */
function loggerIn(directory: string): {readonly program: string; entry(): string} {
  const program = join(directory, 'logger');
  const kept = join(directory, 'entry');
  writeFileSync(program, `#!/bin/sh\n{ echo "$@"; cat; } > ${kept}\n`);
  chmodSync(program, 0o755);
  return {program, entry: () => (existsSync(kept) ? readFileSync(kept, 'utf8') : '')};
}

const HEADER = 'orgkey-audit\n\n5\n0\n0\n0\n0\n';

test('requests are lines of JSON on one stream to the journal', async (t) => {
  const directory = scratchDirectory(t);
  const stream = join(directory, 'stdout');
  const journal = await journald(t, stream);
  const copy = new JournalCopy({stream, logger: '/nonexistent'});
  const entries = Array.from({length: 300}, (_, at) => request(at));
  for (const entry of entries) copy.write(entry, lineOf(entry));
  await copy.close();
  await journal.read();
  t.deepEqual(journal.texts, [HEADER + entries.map(lineOf).join('')]);
  t.is(copy.lost, 0);
  t.is(copy.error, undefined);
});

test('a change is an entry with fields, and its text cannot add one', async (t) => {
  const directory = scratchDirectory(t);
  const logger = loggerIn(directory);
  const copy = new JournalCopy({stream: join(directory, 'stdout'), logger: logger.program});
  copy.write(change, lineOf(change));
  await copy.close();
  const [argument, ...fields] = logger.entry().trimEnd().split('\n');
  t.is(argument, '--journald');
  t.is(fields.filter((field) => field.startsWith('PRIORITY=')).join(), 'PRIORITY=5');
  t.is(fields.filter((field) => field.startsWith('ORGKEY_EVENT=')).join(), 'ORGKEY_EVENT=key');
  for (const field of fields) t.regex(field, /^[A-Z][A-Z0-9_]{0,63}=/);
  t.true(fields.includes('SYSLOG_IDENTIFIER=orgkey-audit'));
  t.true(fields.includes('ORGKEY_ADDED=contoso,fabrikam'));
  t.true(fields.includes('ORGKEY_REASON=a PRIORITY=0 ORGKEY_EVENT=get'));
  t.is(copy.lost, 0);
});

test('without logger, a change is a line too', async (t) => {
  const stream = join(scratchDirectory(t), 'stdout');
  const journal = await journald(t, stream);
  const copy = new JournalCopy({stream, logger: '/nonexistent'});
  copy.write(change, lineOf(change));
  await copy.close();
  await journal.read();
  t.deepEqual(journal.texts, [HEADER + lineOf(change)]);
});

test('lines that the journal does not take are counted, and it is tried again', async (t) => {
  const stream = join(scratchDirectory(t), 'stdout');
  const copy = new JournalCopy({stream, logger: '/nonexistent'});
  for (const at of [1, 2, 3]) copy.write(request(at), lineOf(request(at)));
  await copy.close();
  t.is(copy.lost, 3);
  t.regex(copy.error ?? '', /ENOENT/);
  const first = await journald(t, stream);
  copy.write(request(4), lineOf(request(4)));
  await copy.close();
  t.is(copy.error, undefined);
  await first.read();
  t.deepEqual(first.texts, [HEADER + lineOf(request(4))]);
  t.is(copy.lost, 3);
});

test('a journal that hangs holds nothing up, and costs a bounded amount of memory', async (t) => {
  const stream = join(scratchDirectory(t), 'stdout');
  await journald(t, stream, {reads: false});
  const copy = new JournalCopy({stream, logger: '/nonexistent'});
  const line = `${'x'.repeat(64 * 1024)}\n`;
  for (let at = 0; at < 200; at++) copy.write(request(at), line);
  t.true(copy.lost > 100, String(copy.lost));
});

test('the audit trail copies lines only if that is configured, with the numbers of the file', async (t) => {
  const directory = scratchDirectory(t);
  const stream = join(directory, 'stdout');
  const journal = await journald(t, stream);
  const state = {isCopied: false};
  const trail = new AuditTrail({
    state: directory,
    settings: () => ({maxSize: 1e9, files: 2, days: undefined, required: false, journal: state.isCopied}),
    log: (level, message) => t.fail(`${level}: ${message}`),
    after: startTimer,
    now: Date.now,
    openJournal: async () => new JournalCopy({stream, logger: '/nonexistent'}),
  });
  // the configuration is read after it
  trail.note({event: 'start', outcome: 'orgkey'});
  trail.write(request(1));
  state.isCopied = true;
  trail.write(request(2));
  await trail.flush();
  await journal.read();
  const [text = ''] = journal.texts;
  const copied = text.slice(HEADER.length).trimEnd().split('\n');
  const kept = readFileSync(join(directory, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  t.is(kept.length, 3);
  // that of a change comes when logger has failed
  t.deepEqual(copied.toSorted(), [kept[0], kept[2]]);
  t.deepEqual(
    kept.map((line) => JSON.parse(line).seq),
    [1, 2, 3],
  );
});
