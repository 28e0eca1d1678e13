import {appendFileSync, closeSync, fstatSync, openSync, readFileSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {boundLog, daemonLog, openDaemonLog, readSince} from '../../src/service/daemon-log.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

test('a log below its limit is appended to', (t) => {
  const directory = scratchDirectory(t);
  for (const text of ['one\n', 'two\n']) {
    const log = openDaemonLog(directory, 100);
    writeSync(log, text);
    closeSync(log);
  }
  t.is(readFileSync(daemonLog(directory), 'utf8'), 'one\ntwo\n');
});

test('one former log is kept', (t) => {
  const directory = scratchDirectory(t);
  for (const text of ['first', 'second', 'third']) {
    const log = openDaemonLog(directory, 3);
    writeSync(log, text);
    closeSync(log);
  }
  t.is(readFileSync(daemonLog(directory), 'utf8'), 'third');
  t.is(readFileSync(`${daemonLog(directory)}.1`, 'utf8'), 'second');
});

test('a running daemon empties a log over its limit and continues at its start', (t) => {
  const directory = scratchDirectory(t);
  const log = openDaemonLog(directory);
  writeSync(log, 'x'.repeat(20));
  boundLog(log, 20);
  t.is(fstatSync(log).size, 20);
  writeSync(log, 'x');
  boundLog(log, 20);
  writeSync(log, 'after\n');
  t.is(readFileSync(daemonLog(directory), 'utf8'), 'after\n');
  closeSync(log);
});

test('a descriptor of a device is left alone', (t) => {
  const descriptor = openSync('/dev/null', 'w');
  t.notThrows(() => boundLog(descriptor, 0));
  closeSync(descriptor);
});

test('only text after the offset is read', (t) => {
  const directory = scratchDirectory(t);
  appendFileSync(join(directory, 'daemon.log'), 'before\n');
  const log = openDaemonLog(directory);
  writeSync(log, 'after\n');
  t.is(readSince(log, 7), 'after\n');
  t.is(statSync(daemonLog(directory)).size, 13);
  closeSync(log);
});
