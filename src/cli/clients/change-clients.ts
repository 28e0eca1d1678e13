import type {Client, ClientWorld} from '../../clients/client.ts';
import {readClients, writeClients} from '../../clients/manifest.ts';
import {carryOut, planInstall, planRemove, type ClientPlan} from '../../clients/plan-client.ts';
import {printable} from '../../text/printable.ts';
import type {Context} from '../context.ts';
import {chooseClients} from './client-world.ts';
import {style} from '../terminal.ts';

type Mode = 'change' | 'show';

/** Makes tools ask orgkey, and says what changed. Returns the names of those where a setting of the user stays. */
export async function installClients(
  chosen: readonly Client[],
  world: ClientWorld,
  {directory, mode, context}: {readonly directory: string; readonly mode: Mode; readonly context: Context},
): Promise<readonly string[]> {
  const blocked: string[] = [];
  for (const client of chosen) {
    const records = await readClients(directory);
    const plan = await planInstall(
      client,
      world,
      records.find(({name}) => name === client.name),
    );
    if (mode === 'change') {
      await carryOut(plan);
      await writeClients(directory, [...records.filter(({name}) => name !== client.name), plan.record]);
    }
    report(plan, mode, context);
    if (plan.conflicts.length > 0) blocked.push(client.name);
  }
  return blocked;
}

/** Does it for `setup --tools`: those that are listed, or those that are installed. */
export async function installListed(
  list: string,
  world: ClientWorld,
  how: Parameters<typeof installClients>[2],
): Promise<void> {
  const names = list.split(',').map((name) => name.trim());
  await installClients(chooseClients(names.filter(Boolean), world), world, how);
}

/** Takes back what was written for these tools; all if none is named. */
export async function removeClients(
  names: readonly string[],
  {directory, mode, context}: {readonly directory: string; readonly mode: Mode; readonly context: Context},
): Promise<number> {
  const records = await readClients(directory);
  const chosen = records.filter(({name}) => names.length === 0 || names.includes(name));
  // several tools may share a file: the last one that was written is taken back first
  for (const record of chosen.toReversed()) {
    const plan = await planRemove(record);
    if (mode === 'change') {
      await carryOut(plan);
      const left = (await readClients(directory)).filter(({name}) => name !== record.name);
      await writeClients(directory, left);
    }
    report(plan, mode, context);
  }
  return chosen.length;
}

const VERBS = {
  show: {changed: 'would change', removed: 'would remove', linked: 'would link'},
  change: {changed: 'changed', removed: 'removed', linked: 'linked'},
} as const;

function report(plan: ClientPlan, mode: Mode, {terminal}: Context): void {
  const lines = [...describeChanges(plan, mode), ...describeLinks(plan, mode)];
  if (lines.length === 0) lines.push('nothing to change');
  lines.push(...plan.conflicts.map((one) => `your own setting stays: ${printable(one, 300)}`));
  const text = lines.map((line) => (line.startsWith('  ') ? line : `${plan.name}: ${line}`)).join('\n');
  if (mode === 'show') terminal.print(text);
  else terminal.say(text);
  for (const one of plan.left) terminal.hint(one);
}

function describeChanges({changes}: ClientPlan, mode: Mode): string[] {
  return changes.flatMap(({path, next, gone, added}) => [
    `${next === undefined ? VERBS[mode].removed : VERBS[mode].changed} ${printable(path, 200)}`,
    ...gone.map((line) => `  ${style('red', `- ${printable(line, 300)}`)}`),
    ...added.map((line) => `  ${style('green', `+ ${printable(line, 300)}`)}`),
  ]);
}

function describeLinks({links}: ClientPlan, mode: Mode): string[] {
  return links.map(({path, target}) =>
    target === undefined
      ? `${VERBS[mode].removed} ${printable(path, 200)}`
      : `${VERBS[mode].linked} ${printable(path, 200)} to ${printable(target, 200)}`,
  );
}
