import {argumentsOf, isArgument, namesOf, placeOptions, type Command, type Option} from './command.ts';

/**
 * Returns the candidates for the last of these words, which is being typed. `organizations` is called only if an
 * organization may be typed there.
 */
export async function complete(
  words: readonly string[],
  commands: readonly Command[],
  organizations: () => Promise<readonly string[]>,
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const fits = (candidate: string) => candidate.startsWith(current);
  const command = commands.find((one) => isTyped(namesOf(one), before));
  if (command === undefined) return unique(nextNames(commands, before)).filter(fits);
  if (current.startsWith('-')) return optionsOf(command).filter(fits);

  const choices = choicesOf(command, before.at(-1) ?? '');
  if (choices !== undefined) return choices.filter(fits);
  const names = namesOf(command);
  const given = before.slice(names.length).filter((word) => !word.startsWith('-')).length;
  const all = argumentsOf(command);
  const last = all.at(-1);
  const wanted = (all[given] ?? (last?.isList === true ? last : undefined))?.name;
  if (wanted === 'organization') return (await organizations()).filter(fits);
  // an organization of the services may be typed in place of a URL
  if (wanted === 'url') return (await organizations()).filter((name) => !name.includes('/') && fits(name));
  return (choicesOf(command, `--${wanted}`) ?? []).filter(fits);
}

function isTyped(names: readonly string[], words: readonly string[]): boolean {
  return names.every((name, at) => words[at] === name);
}

/** Returns the next word of each command whose first words are typed already. */
function nextNames(commands: readonly Command[], before: readonly string[]): string[] {
  return commands.flatMap((command) => {
    const names = namesOf(command);
    const next = names[before.length];
    return next !== undefined && isTyped(before, names) ? [next] : [];
  });
}

function optionsOf(command: Command): string[] {
  const named = Object.entries(command.options).filter(([name]) => !isArgument(command, name));
  return [...named.map(([name]) => name), ...Object.keys(placeOptions), 'help'].map((name) => `--${name}`);
}

/** Returns the values that an option takes; empty: any value. `undefined`: not an option with a value. */
function choicesOf(command: Command, word: string): string[] | undefined {
  const name = word.replace(/^--/, '');
  const all: Readonly<Record<string, Option>> = {...placeOptions, ...command.options};
  const option = all[name];
  if (!word.startsWith('--') || option === undefined || option.type === 'boolean') return undefined;
  return (option.choices ?? []).map(String);
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
