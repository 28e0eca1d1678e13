import assert from 'node:assert/strict';
import {cpSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import type {Outcome} from './command-line.ts';
import type {FaultRow} from './fault-tables.ts';
import type {Finding, SickWorld, Surroundings} from './sick-world.ts';

/** Something that breaks on the way from git to the organization. */
export interface SeededFault {
  /** For the documents: what is broken. */
  readonly title: string;
  /** Breaks it, and says in which surroundings the user sees it. */
  readonly seed: (world: SickWorld) => void | Seeded | Promise<void | Seeded>;
  /** What doctor says: the detail of a failure or a warning. */
  readonly cause: RegExp;
  /** What the user asks doctor about. Default: the URL of contoso's repository. */
  readonly words?: readonly string[];
  /** What git reads. Default: the URL of contoso's repository. */
  readonly remote?: string;
  /** Git does not fail: another safeguard is broken. */
  readonly gitWorks?: true;
  /** The repair is to ask for something else. */
  readonly staysBroken?: true;
  /** What a person does if the repair is not a command. Default: the printed commands are run. */
  readonly mend?: (world: SickWorld, seeded: Seeded) => void | Seeded | Promise<void | Seeded>;
}

interface Seeded extends Surroundings {
  /** Removes what the repair does not, after the test. */
  readonly undo?: () => void | Promise<void>;
}

/** Provokes one fault after the other. `FAULT` in the environment chooses those whose titles contain it. */
export async function provokeAll(
  world: SickWorld,
  faults: readonly SeededFault[],
): Promise<{rows: FaultRow[]; problems: string[]}> {
  const rows: FaultRow[] = [];
  const problems: string[] = [];
  const wanted = process.env['FAULT'] ?? '';
  for (const fault of faults.filter(({title}) => title.includes(wanted)))
    try {
      rows.push(await provoke(world, fault));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  return {rows, problems};
}

/** Breaks it, lets git and doctor speak, does what doctor prints, and looks again. Returns a row for the documents. */
async function provoke(world: SickWorld, fault: SeededFault): Promise<FaultRow> {
  const restore = snapshot(world);
  const {title, remote = world.url, words = [world.url]} = fault;
  let seeded: Seeded = {};
  try {
    seeded = (await fault.seed(world)) ?? {};
    const breaks = fault.gitWorks === undefined;
    const broken = await gitUntil(world, remote, seeded, ({code}) => !breaks || code !== 0);
    if (breaks) assert.notEqual(broken.code, 0, `${title}: git works`);
    const {code, diagnostics} = await world.examine(words, seeded);
    const bad = diagnostics.filter(({outcome}) => outcome === 'failed' || outcome === 'warning');
    const found = bad.find(({detail}) => fault.cause.test(detail));
    const seen = `${title}:\n${broken.stderr}\n${bad.map((one) => JSON.stringify(one)).join('\n')}`;
    assert.ok(found, seen);
    if (breaks) assert.equal(code, 1, `${title}: doctor says that all is well`);
    const row: FaultRow = {
      title,
      gitWorks: fault.gitWorks === true,
      finding: plain(found.detail, world),
      repair: plain(found.repair ?? '', world),
    };
    if (fault.staysBroken !== undefined) return row;
    const mended = await mend(world, fault, found, seeded);
    const healed = await gitUntil(world, remote, mended, ({code}) => code === 0);
    assert.equal(healed.code, 0, `${seen}\nafter the repair: ${healed.stderr}`);
    if (fault.gitWorks === undefined) return row;
    const again = await world.examine(words, mended);
    const rest = again.diagnostics.filter(({detail}) => fault.cause.test(detail));
    assert.deepEqual(
      rest.filter(({outcome}) => outcome !== 'ok'),
      [],
      `${title}: after the repair`,
    );
    return row;
  } finally {
    restore();
    await seeded.undo?.();
  }
}

/** Tries git until it ends as expected: the daemon reads a changed file after a moment. Returns its last try. */
async function gitUntil(
  world: SickWorld,
  remote: string,
  surroundings: Surroundings,
  isExpected: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  let outcome = await world.git(remote, surroundings);
  for (let tries = 1; !isExpected(outcome) && tries < MOST_TRIES; tries++) {
    await wait(PAUSE);
    outcome = await world.git(remote, surroundings);
  }
  return outcome;
}

/** How often git is tried after a change, and the pause between, in milliseconds. */
const MOST_TRIES = 8;
const PAUSE = 500;

async function mend(
  world: SickWorld,
  fault: SeededFault,
  found: Finding,
  seeded: Seeded,
): Promise<Surroundings> {
  if (fault.mend !== undefined) return (await fault.mend(world, seeded)) ?? seeded;
  const {commands = []} = found;
  if (commands.length === 0) throw new Error(`${fault.title}: no command: ${found.repair ?? ''}`);
  let after: Surroundings = seeded;
  for (const command of commands) after = await world.run(command, after);
  return after;
}

/** Remembers the files that users change. */
function snapshot({person}: SickWorld): () => void {
  const names = ['.gitconfig', '.config', 'site/.git/config', 'contoso.secret', 'fabrikam.pat'];
  const store = person.path('snapshot');
  const copy = (from: string, to: string) => {
    for (const name of names) {
      rmSync(join(to, name), {recursive: true, force: true});
      cpSync(join(from, name), join(to, name), {recursive: true, preserveTimestamps: true, mode: 0});
    }
  };
  copy(person.home, store);
  return () => copy(store, person.home);
}

/** Takes out what differs from run to run. */
function plain(text: string, {person}: SickWorld): string {
  return text
    .replaceAll(person.home, '~')
    .replaceAll(/127\.0\.0\.1:[0-9]+/g, 'proxy.example:3128')
    .replaceAll(/127\.0\.0\.1 port [0-9]+/g, 'proxy.example port 3128')
    .replaceAll(/\/tmp\/\S*\/ca\.pem/g, '/etc/ssl/company.pem')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'GUID')
    .replaceAll(/\(pid [0-9]+\)/g, '(pid 4711)')
    .replaceAll(/after [0-9]+ ms/g, 'after 0 ms');
}
