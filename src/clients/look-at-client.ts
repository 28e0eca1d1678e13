import {accessSync, constants} from 'node:fs';
import type {Client, ClientWorld} from './client.ts';
import type {ClientRecord} from './manifest.ts';
import {planInstall} from './plan-client.ts';

interface ClientState {
  readonly name: string;
  readonly state: 'asks orgkey' | 'incomplete' | 'does not ask';
  /** What is missing, or would win: half sentences. */
  readonly problems: readonly string[];
  /** What would win over orgkey. */
  readonly rivals: readonly string[];
  readonly files: readonly string[];
}

/** Looks whether a tool's configuration still has what makes it ask orgkey. */
export async function lookAtClient(
  client: Client,
  world: ClientWorld,
  records: readonly ClientRecord[],
): Promise<ClientState> {
  const known = records.find(({name}) => name === client.name);
  const wanted = client.want(world);
  const plan = await planInstall(client, world, known);
  const problems = [
    ...plan.changes.map(
      ({path, added}) =>
        `${path} ${added.length > 0 ? 'lacks a line' : 'has lines that are no longer needed'}`,
    ),
    ...plan.links.map(
      ({path, target}) => `${path} ${target === undefined ? 'is no longer needed' : 'is missing'}`,
    ),
    ...plan.conflicts.map((conflict) => `another setting wins: ${conflict}`),
    ...wanted.links.filter(({target}) => !isRunnable(target)).map(({target}) => `${target} is missing`),
    ...plan.left,
  ];
  const isRecorded = known !== undefined;
  // without a record, a line of the user is as good as ours
  const isDone = problems.length === 0 && wanted.files.length + wanted.links.length > 0;
  const needsNothing = problems.length === 0 && wanted.files.length + wanted.links.length === 0;
  const state = isDone || needsNothing ? 'asks orgkey' : isRecorded ? 'incomplete' : 'does not ask';
  return {
    name: client.name,
    state,
    problems: state === 'does not ask' ? plan.conflicts : problems,
    rivals: await client.rivals(world),
    files: [...wanted.files.map(({path}) => path), ...wanted.links.map(({path}) => path)],
  };
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
