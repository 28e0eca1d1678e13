import type {Change, ChangeFailure} from './change.ts';

/** How an order to a service ended. Texts are for people, made safe to print. */
export type Outcome =
  | {
      readonly kind: 'done';
      /** What was changed, in order; empty where everything was as it should be. */
      readonly changes: readonly Change[];
      /** What could not be done beside them, and hindered nothing else. Lower case, no full stop. */
      readonly trouble?: string;
    }
  | {
      readonly kind: 'failed';
      /** Lower case, no full stop. */
      readonly message: string;
      /** What repairs it, or where to read more. */
      readonly hint: string | undefined;
    };

export interface ServiceStatus {
  /** Units, a property list; a plain daemon needs none and always counts as installed. */
  readonly installed: boolean;
  /** `listening`: systemd holds the sockets and starts the daemon for the first request. */
  readonly state: 'running' | 'listening' | 'stopped' | 'failed';
  readonly pid: number | undefined;
  /** Why it is not running, as far as the service knows: for people. */
  readonly reason: string | undefined;
}

/** What an order came to whose changes were applied: `failure` is what `applyChanges` gave. */
export function outcomeOf(
  changes: readonly Change[],
  failure: ChangeFailure | undefined,
  hint: string | undefined,
): Outcome {
  if (failure === undefined) return {kind: 'done', changes};
  const {change, message} = failure;
  return change.kind === 'run' && change.failure === 'survived'
    ? {kind: 'done', changes, trouble: message}
    : {kind: 'failed', message, hint};
}
