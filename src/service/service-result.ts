import type {Change, ChangeFailure} from './change.ts';

/** The result of an order to a service. Texts are for people, and safe to print. */
export type ServiceResult =
  | {
      readonly kind: 'done';
      /** The changes in order; empty if nothing had to change. */
      readonly changes: readonly Change[];
      /** A step that failed without affecting the others. Lower case, no full stop. */
      readonly warning?: string;
    }
  | {
      readonly kind: 'failed';
      /** Lower case, no full stop. */
      readonly message: string;
      /** The repair, or where to read more. */
      readonly hint: string | undefined;
    };

export interface ServiceStatus {
  /** Whether its units or its property list exist. A plain daemon needs none and always counts as installed. */
  readonly installed: boolean;
  /** `listening`: systemd holds the sockets and starts the daemon for the first request. */
  readonly state: 'running' | 'listening' | 'stopped' | 'failed';
  readonly pid?: number | undefined;
  /** Why it is not running, if the service knows: for people. */
  readonly reason?: string | undefined;
  /** The repair, if the daemon named one when it failed. */
  readonly hint?: string | undefined;
  /** Files of the administrator that replace units of the package, so that its upgrades have no effect. */
  readonly replaced?: readonly string[] | undefined;
}

/** Nothing had to change. */
export const DONE: ServiceResult = {kind: 'done', changes: []};

/** Returns the result of an order that failed. */
export function failure(message: string, hint?: string): ServiceResult {
  return {kind: 'failed', message, hint};
}

export const notInstalled = failure('the service is not installed', 'run: orgkey service install');

/** Returns the result of applied changes; `failed` is what `applyChanges` returned. */
export function resultOf(
  changes: readonly Change[],
  failed: ChangeFailure | undefined,
  hint: string | undefined,
): ServiceResult {
  if (failed === undefined) return {kind: 'done', changes};
  const {change, message} = failed;
  return change.kind === 'run' && change.failure === 'survived'
    ? {kind: 'done', changes, warning: message}
    : failure(message, hint);
}

/** Returns what a daemon says if another one has its place: the service that started it recognizes this. */
export function otherServes(path: string): string {
  return `another orgkey daemon serves ${path}`;
}
