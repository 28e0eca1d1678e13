import type {Identity} from '../identity/identity.ts';
import {isRecord} from '../text/record.ts';
import type {Message} from './message.ts';
import {localFailure, otherVersion, AcquirerError} from './failure.ts';

/** What an acquirer does: gets a token for an identity of this kind, or a part of a sign-in, or a secret. */
export type Task =
  | Exclude<Identity['kind'], 'pat' | 'stored' | 'unusable' | 'sign-in'>
  | 'refresh'
  | 'browser'
  | 'device-code'
  | 'vault-secret';

const withoutSdk: ReadonlySet<string> = new Set<Task>(['azure-cli', 'refresh', 'browser', 'device-code']);

/** Whether the task needs @azure/identity, which takes a while to load. */
export function usesSdk(task: string): boolean {
  return !withoutSdk.has(task);
}

/**
 * The format of jobs and results. After an update, a daemon that still runs starts acquirers of the new version: they
 * understand each other if this is equal. Raise it with every change that the other side would misread.
 */
const JOB_FORMAT = 2;

export interface Job {
  /** A `Task`, unless the daemon is of another version. */
  readonly task: string;
  /** The task's parameters, without secrets. */
  readonly fields: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
}

export interface TimedJob extends Job {
  /** How long it may take, in milliseconds. */
  readonly time: number;
}

export function messageOf({task, fields, secrets, time}: TimedJob): Message {
  return {head: {format: JOB_FORMAT, task, fields, time}, secrets};
}

/**
 * Reads a job. Returns `undefined` if the message is not one.
 * @throws {AcquirerError} if it comes from another version.
 */
export function jobFrom({head, secrets}: Message): TimedJob | undefined {
  const {format, task, fields: given, time} = head;
  if (typeof format === 'number' && format !== JOB_FORMAT) throw new AcquirerError(otherVersion);
  if (typeof task !== 'string' || typeof time !== 'number' || !isRecord(given)) return undefined;
  const fields: Record<string, string> = {};
  for (const [field, value] of Object.entries(given)) {
    if (typeof value !== 'string') return undefined;
    fields[field] = value;
  }
  return {task, fields, secrets, time};
}

/** Returns a field of the job. @throws {AcquirerError} if it is missing. */
export function fieldOf({task, fields}: Job, name: string): string {
  const value = fields[name];
  if (value === undefined || value === '')
    throw localFailure(
      'ERR_INCOMPLETE',
      `the ${name} of the ${task} is empty`,
      `Set ${name} in the configuration.`,
    );
  return value;
}

/** Returns a secret of the job as text. @throws {AcquirerError} if it is missing or empty. */
export function secretOf({task, secrets}: Job, name: string): string {
  const value = secrets[name];
  if (value === undefined || value.length === 0)
    throw localFailure(
      'ERR_EMPTY_SECRET',
      `the ${name} of the ${task} is empty`,
      `Set ${name} in the configuration.`,
    );
  return new TextDecoder().decode(value);
}
