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
  readonly pid: number | undefined;
  /** Why it is not running, if the service knows: for people. */
  readonly reason: string | undefined;
  /** The repair, if the daemon named one when it failed. */
  readonly hint?: string | undefined;
}

/** Returns the result of applied changes; `failure` is what `applyChanges` returned. */
export function resultOf(
  changes: readonly Change[],
  failure: ChangeFailure | undefined,
  hint: string | undefined,
): ServiceResult {
  if (failure === undefined) return {kind: 'done', changes};
  const {change, message} = failure;
  return change.kind === 'run' && change.failure === 'survived'
    ? {kind: 'done', changes, warning: message}
    : {kind: 'failed', message, hint};
}

/** Returns what a daemon says if another one has its place: the service that started it recognizes this. */
export function otherServes(path: string): string {
  return `another orgkey daemon serves ${path}`;
}
