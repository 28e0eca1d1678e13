import type {Configuration} from '../../config/configuration.ts';
import {heldSecrets} from '../../identity/held-secrets.ts';
import type {JobOutput} from './job-output.ts';

/**
 * Returns the commands after which the platform hides the secrets of a configuration in its log: each line of them, and
 * the forms in which a Basic header carries them. The platform knows its own secrets, but not these forms.
 */
export function maskCommands(
  {bindings, settings}: Pick<Configuration, 'bindings' | 'settings'>,
  output: JobOutput,
): string {
  const prefix = PREFIXES[output];
  if (prefix === undefined) return '';
  const secrets = [...bindings.map(({identity}) => identity), ...settings.submodules].flatMap((holder) => [
    ...heldSecrets(holder),
  ]);
  const values = secrets.flatMap((secret) => formsOf(secret.revealText()));
  return [...new Set(values)].map((value) => `${prefix}${escaped(value)}\n`).join('');
}

const PREFIXES: Readonly<Record<JobOutput, string | undefined>> = {
  'github-actions': '::add-mask::',
  'azure-pipelines': '##vso[task.setsecret]',
  shell: undefined,
  env: undefined,
};

function formsOf(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim().length >= SHORTEST);
  const basic = lines.length === 1 ? ['', 'orgkey'].map((user) => base64(`${user}:${text}`)) : [];
  return [...lines, ...basic];
}

/** A shorter one would hide ordinary words. */
const SHORTEST = 4;

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25');
}
