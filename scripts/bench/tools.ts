/** Measures how much longer each helper of a tool takes than git's own cache client, and those in Node than an empty Node. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {BuiltDaemon, Place, dist} from './built-daemon.ts';
import type {Group, Row} from './row.ts';
import {inTurns, median, pairedRatio} from './statistics.ts';

const ROUNDS = 100;
const NODE_ROUNDS = 20;

const ADDRESS = 'https://pkgs.dev.azure.com/contoso/web/_packaging/packages';
const SCRIPTS: readonly (readonly [script: string, words: readonly string[], input: string])[] = [
  ['cargo-credential-orgkey', ['--cargo-plugin'], cargoRequest(`sparse+${ADDRESS}/Cargo/index/`)],
  ['keyring/keyring', ['get', `${ADDRESS}/pypi/simple/`, 'orgkey'], ''],
  ['orgkey-bazel-helper', ['get'], JSON.stringify({uri: ADDRESS})],
  ['orgkey-goauth', [ADDRESS], ''],
  ['orgkey-token', ['contoso'], ''],
];

export async function measureTools(): Promise<Group> {
  const place = new Place();
  const daemon = await BuiltDaemon.start(place);
  const environment = {...place.environment, ORGKEY_RUNTIME_DIR: place.runtime, ORGKEY_NO_START: '1'};
  const client = () =>
    run('git', ['credential-cache', `--socket=${place.socket}`, 'get'], {
      environment,
      input: `tool=cargo\naddress=${ADDRESS}\ncapability[]=authtype\n`,
    });
  try {
    const rows: Row[] = [];
    for (const [script, words, input] of SCRIPTS) {
      const took = await inTurns(ROUNDS, {
        ours: () => run(join(dist, script), words, {environment, input}),
        theirs: client,
      });
      const more = median(took.ours.map((value, at) => value - (took.theirs[at] ?? NaN)));
      rows.push({
        what: `${script}: more than git's own cache client`,
        value: more,
        unit: 'ms',
        target: {atMost: 10},
        note: `${median(took.ours).toFixed(1)} against ${median(took.theirs).toFixed(1)} ms`,
      });
    }
    const main = join(dist, 'main.js');
    const took = await inTurns(NODE_ROUNDS, {
      ours: () => run(process.execPath, [main, 'helper', 'nuget', '-Plugin'], {environment, input: ''}),
      theirs: () => run(process.execPath, ['--eval', '0'], {environment, input: ''}),
    });
    rows.push({
      what: 'the start of orgkey helper nuget, against an empty Node',
      value: pairedRatio(took.ours, took.theirs),
      unit: '×',
      target: {atMost: 1.5},
      note: `${median(took.ours).toFixed(0)} against ${median(took.theirs).toFixed(0)} ms`,
    });
    return {rows};
  } finally {
    await daemon.stop();
    place.remove();
  }
}

/** Runs a program to its end. @throws {Error} if it fails */
async function run(
  program: string,
  words: readonly string[],
  {environment, input}: {readonly environment: Readonly<Record<string, string>>; readonly input: string},
): Promise<void> {
  const child = spawn(program, words, {env: environment, stdio: ['pipe', 'pipe', 'inherit']});
  const closed = once(child, 'close');
  // not every helper reads it
  child.stdin.on('error', () => undefined).end(input);
  const said = await text(child.stdout);
  await closed;
  if (child.exitCode !== 0) throw new Error(`${program} failed: ${said}`);
}

function cargoRequest(index: string): string {
  return `${JSON.stringify({v: 1, registry: {'index-url': index}, kind: 'get', operation: 'read'})}\n`;
}
