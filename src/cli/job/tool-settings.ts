import {dirname, join} from 'node:path';
import type {Context} from '../context.ts';

/** What lets the package tools of later steps ask the daemon of the job. */
interface ToolSettings {
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** For the PATH: pip and uv take the first `keyring`. */
  readonly folders: readonly string[];
}

/** Returns variables and folders, which end with the job: no file of a tool is changed. What is set there stays in force. */
export function toolSettings({program, environment}: Pick<Context, 'program' | 'environment'>): ToolSettings {
  const scripts = dirname(program.helper);
  const cargo = environment['CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS'] || 'cargo:token';
  const go = environment['GOAUTH'] || 'netrc';
  return {
    variables: [
      ['PIP_KEYRING_PROVIDER', 'subprocess'],
      ['UV_KEYRING_PROVIDER', 'subprocess'],
      // the last one is asked first
      ['CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS', `${cargo} cargo-credential-orgkey`],
      ...(go === 'off' ? [] : [['GOAUTH', `orgkey-goauth;${go}`] as const]),
    ],
    folders: [scripts, join(scripts, 'keyring')],
  };
}
