import errorCodes from './error-codes.json' with {type: 'json'};
import type {Actor} from '../identity/actor.ts';

/** The meaning of a code of Entra or Azure DevOps, in our words. */
export interface Explanation {
  /** `AADSTS7000222`, `TF401019`. */
  readonly code: string;
  /**
   * The place of the repair: `app` (its registration), `tenant` (an admin), `organization`, `connection` (a service
   * connection), `machine` (this one, its configuration included) or `person` (the user who signs in).
   */
  readonly place: string;
  /** The page that the repair needs: a key of `PAGES`, or `consent`. */
  readonly page?: string | undefined;
  /** A sentence. */
  readonly meaning: string;
  /** What repairs it; sentences. */
  readonly action: string;
  /** What repairs it for a kind of identity that `action` does not fit. */
  readonly actions?: {readonly [actor in Actor]?: string | undefined} | undefined;
  /**
   * When another try may help, if it may: `once-fresh` (with a new assertion or token), `backoff`, `after-cooldown`, `poll`.
   * `once-fresh` is not tried again at once: the next acquirer reads or makes its assertion again, and a token that
   * Azure DevOps rejects is replaced when git reports it.
   */
  readonly retry?: string | undefined;
}

// facts 9, 74 and 86
const explanations: ReadonlyMap<string, Explanation> = new Map(
  errorCodes.map((entry) => [entry.code, entry]),
);

/** Returns `undefined` for an unknown code. */
export function explainCode(code: string): Explanation | undefined {
  return explanations.get(code);
}

/** Returns all known codes, for the reference. */
export function allExplanations(): Iterable<Explanation> {
  return explanations.values();
}
