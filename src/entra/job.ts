import {isRecord} from '../text/record.ts';
import type {Message} from './message.ts';
import {localTrouble, otherVersion, TroubleError} from './trouble.ts';

/** What an acquirer is started for. */
export type Task =
  | 'client-secret'
  | 'client-certificate'
  | 'managed-identity'
  | 'managed-identity-assertion'
  | 'federated-token-file'
  | 'federated-token'
  | 'github-actions'
  | 'azure-pipelines'
  | 'azure-cli'
  | 'refresh'
  | 'browser'
  | 'device-code'
  | 'vault-secret';

const tasks: readonly Task[] = [
  'client-secret',
  'client-certificate',
  'managed-identity',
  'managed-identity-assertion',
  'federated-token-file',
  'federated-token',
  'github-actions',
  'azure-pipelines',
  'azure-cli',
  'refresh',
  'browser',
  'device-code',
  'vault-secret',
];

const withoutSdk: ReadonlySet<Task> = new Set(['azure-cli', 'refresh', 'browser', 'device-code']);

/** Whether the task needs @azure/identity, which takes a while to load. */
export function usesSdk(task: Task): boolean {
  return !withoutSdk.has(task);
}

/**
 * Of jobs and results. An update puts another acquirer beside a daemon that still runs: they understand each other as
 * long as this is the same. To be raised with every change that the other side would read wrongly.
 */
export const JOB_FORMAT = 1;

/** One job for one acquirer. */
export interface Job {
  readonly task: Task;
  /** What the task needs and is no secret. */
  readonly fields: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  /** How long it may take, in milliseconds. */
  readonly time: number;
}

export function messageOf({task, fields, secrets, time}: Job): Message {
  return {head: {format: JOB_FORMAT, task, fields, time}, secrets};
}

/**
 * @returns `undefined` where the message is no job.
 * @throws {TroubleError} where it comes from another version, and may mean something else.
 */
export function jobFrom({head, secrets}: Message): Job | undefined {
  const {format, task: name, fields: given, time} = head;
  if (typeof format === 'number' && format !== JOB_FORMAT) throw new TroubleError(otherVersion);
  const task = tasks.find((known) => known === name);
  if (task === undefined || typeof time !== 'number' || !isRecord(given)) return undefined;
  const fields: Record<string, string> = {};
  for (const [field, value] of Object.entries(given)) {
    if (typeof value !== 'string') return undefined;
    fields[field] = value;
  }
  return {task, fields, secrets, time};
}

/** @throws {TroubleError} where the job lacks the field. */
export function fieldOf({task, fields}: Job, name: string): string {
  const value = fields[name];
  if (value === undefined || value === '')
    throw localTrouble(
      'ERR_INCOMPLETE',
      `the ${name} of the ${task} is empty`,
      `Set ${name} in the configuration.`,
    );
  return value;
}

/** @throws {TroubleError} where the job lacks the secret, or it is empty. */
export function secretOf({task, secrets}: Job, name: string): string {
  const value = secrets[name];
  if (value === undefined || value.length === 0)
    throw localTrouble(
      'ERR_EMPTY_SECRET',
      `the ${name} of the ${task} is empty`,
      `Set ${name} in the configuration.`,
    );
  return new TextDecoder().decode(value);
}
