import {nearestWord} from '../../text/nearest-word.ts';
import {printable} from '../../text/printable.ts';
import {namesOf, placeOptions, type Command} from './command.ts';
import {usageError} from '../command-error.ts';

type Found =
  | {
      readonly kind: 'command';
      readonly command: Command;
      /** What follows, and the options that were typed before it. */
      readonly rest: readonly string[];
    }
  /** The first word of several commands, alone. */
  | {readonly kind: 'group'; readonly name: string}
  /** No word, only options. */
  | {readonly kind: 'nothing'; readonly rest: readonly string[]};

/** Finds the command by its words. @throws {CommandError} if the command does not exist. */
export function findCommand(words: readonly string[], commands: readonly Command[]): Found {
  const [first, second] = positionsOfNames(words);
  if (first === undefined) return {kind: 'nothing', rest: words};
  const name = words[first] ?? '';
  const candidates = commands.filter((command) => namesOf(command)[0] === name);
  const [only] = candidates;
  if (only === undefined) throw unknownCommand(name, '', commands.map(firstName));
  if (!isNested(only)) return {kind: 'command', command: only, rest: words.toSpliced(first, 1)};
  if (second === undefined) return {kind: 'group', name};
  const found = candidates.find((command) => namesOf(command)[1] === words[second]);
  if (found === undefined) throw unknownCommand(words[second] ?? '', `${name} `, candidates.map(secondName));
  return {kind: 'command', command: found, rest: words.toSpliced(second, 1).toSpliced(first, 1)};
}

/** Whether the command is one of several with the same first word. */
function isNested(command: Command): boolean {
  return namesOf(command).length > 1;
}

/** Returns the positions of the first two words that are neither options nor values of options of every command. */
function positionsOfNames(words: readonly string[]): number[] {
  const positions: number[] = [];
  for (let at = 0; at < words.length && words[at] !== '--' && positions.length < 2; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) positions.push(at);
    else if (Object.hasOwn(placeOptions, word.slice(2))) at += 1;
  }
  return positions;
}

function firstName(command: Command): string {
  return namesOf(command)[0] ?? '';
}

function secondName(command: Command): string {
  return namesOf(command)[1] ?? '';
}

function unknownCommand(typed: string, group: string, names: readonly string[]) {
  const near = nearestWord(typed, names);
  return usageError(
    `unknown command: ${group}${printable(typed, 60)}`,
    near === undefined ? `run: orgkey ${group}--help` : `did you mean: orgkey ${group}${near}`,
  );
}
