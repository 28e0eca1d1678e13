import type {Options} from 'yargs';
import {placeOptions, type Command} from './command.ts';

/**
 * What may stand at the end of these words, the last of which is being typed. `organizations`, as people name them,
 * is asked only where one may stand.
 */
export async function complete(
  words: readonly string[],
  commands: readonly Command[],
  organizations: () => Promise<readonly string[]>,
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const fits = (candidate: string) => candidate.startsWith(current);
  const command = commands.find(({usage}) => isTyped(namesOf(usage), before));
  if (command === undefined) return unique(nextNames(commands, before)).filter(fits);
  if (current.startsWith('-')) return optionsOf(command).filter(fits);

  const choices = choicesOf(command, before.at(-1) ?? '');
  if (choices !== undefined) return choices.filter(fits);
  const names = namesOf(command.usage);
  const given = before.slice(names.length).filter((word) => !word.startsWith('-')).length;
  const argument = /[<[]([a-z]+)[>\]]/g;
  const wanted = [...command.usage.matchAll(argument)][given]?.[1];
  if (wanted === 'organization') return (await organizations()).filter(fits);
  // in the place of a URL an organization may stand, but no collection of a server
  if (wanted === 'url') return (await organizations()).filter((name) => !name.includes('/') && fits(name));
  return (choicesOf(command, `--${wanted}`) ?? []).filter(fits);
}

/** `ssh-key add` of `ssh-key add <organization>`. */
function namesOf(usage: string): string[] {
  return usage.split(' ').filter((word) => /^[a-z]/.test(word));
}

function isTyped(names: readonly string[], words: readonly string[]): boolean {
  return names.every((name, at) => words[at] === name);
}

/** Of commands whose beginning is typed already. */
function nextNames(commands: readonly Command[], before: readonly string[]): string[] {
  return commands.flatMap(({usage}) => {
    const names = namesOf(usage);
    const next = names[before.length];
    return next !== undefined && isTyped(before, names) ? [next] : [];
  });
}

function optionsOf(command: Command): string[] {
  const named = Object.entries(command.options).filter(([name]) => !isArgument(command, name));
  return [...named.map(([name]) => name), ...Object.keys(placeOptions), 'help'].map((name) => `--${name}`);
}

/** The words that an option takes; an empty list where it takes anything; `undefined`: it is no option, or a switch. */
function choicesOf(command: Command, word: string): string[] | undefined {
  const name = word.replace(/^--/, '');
  const all: Readonly<Record<string, Options>> = {...placeOptions, ...command.options};
  const option = all[name];
  if (!word.startsWith('--') || option === undefined || option.type === 'boolean') return undefined;
  return (option.choices ?? []).map(String);
}

function isArgument({usage}: Command, name: string): boolean {
  return usage.includes(`<${name}>`) || usage.includes(`[${name}]`);
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
