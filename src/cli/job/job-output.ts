import {randomUUID} from 'node:crypto';
import {appendFile} from 'node:fs/promises';
import {quoteForShell} from '../../text/quote-for-shell.ts';
import type {Context} from '../context.ts';
import type {Environment} from '../../text/environment.ts';

/** How the variables of a job reach its later steps. */
export type JobOutput = 'github-actions' | 'azure-pipelines' | 'shell' | 'env';

export const jobOutputs = ['auto', 'github-actions', 'azure-pipelines', 'shell', 'env'] as const;

/** Returns the output for a word, or for the platform whose variables are set. */
export function jobOutput(word: (typeof jobOutputs)[number], environment: Environment): JobOutput {
  if (word !== 'auto') return word;
  if (environment['GITHUB_ENV']) return 'github-actions';
  return environment['TF_BUILD'] ? 'azure-pipelines' : 'shell';
}

export interface ForJob {
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** Directories for the PATH, the first one in front. One has the command `orgkey`. */
  readonly programs: readonly string[];
}

/** Hands the variables to later steps: in the files or by the commands of the platform, or on stdout. */
export async function tellJob(output: JobOutput, told: ForJob, context: Context): Promise<void> {
  const {terminal, environment} = context;
  switch (output) {
    case 'github-actions':
      await append(environment['GITHUB_ENV'], told.variables.map(blockOf).join(''));
      await append(
        environment['GITHUB_PATH'],
        inFront(told)
          .map((folder) => `${folder}\n`)
          .join(''),
      );
      return;
    case 'azure-pipelines':
      terminal.write(
        [
          ...told.variables.map(([name, value]) => command(`task.setvariable variable=${name}`, value)),
          ...inFront(told).map((folder) => command('task.prependpath', folder)),
        ].join(''),
      );
      return;
    case 'shell': {
      const exports = told.variables.map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`);
      const path = quoteForShell(told.programs.join(':'));
      terminal.write(`${exports.join('')}PATH=${path}:$PATH; export PATH\n`);
      return;
    }
    case 'env': {
      const path = [...told.programs, environment['PATH'] ?? ''].join(':');
      terminal.write([...told.variables, ['PATH', path]].map((pair) => `${pair.join('=')}\n`).join(''));
    }
  }
}

/** Platforms put each directory in front of the one before. */
function inFront({programs}: ForJob): readonly string[] {
  return programs.toReversed();
}

async function append(file: string | undefined, text: string): Promise<void> {
  if (file) await appendFile(file, text);
}

/** A random delimiter, because a line of the value could end the block. */
function blockOf([name, value]: readonly [string, string]): string {
  const end = `end-${randomUUID()}`;
  return `${name}<<${end}\n${value}\n${end}\n`;
}

function command(what: string, value: string): string {
  const escaped = value.replaceAll('%', '%AZP25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return `##vso[${what}]${escaped}\n`;
}
