import errorCodes from './error-codes.json' with {type: 'json'};

/** The meaning of a code of Entra or Azure DevOps, in our words. */
export interface Explanation {
  /** `AADSTS7000222`, `TF401019`. */
  readonly code: string;
  /** A sentence. */
  readonly meaning: string;
  /** What repairs it; sentences. */
  readonly action: string;
  /**
   * When another try may help: `no`, `once-fresh` (with a new assertion or token), `backoff`, `after-cooldown`, `poll`.
   * `once-fresh` is not tried again at once: the next acquirer reads or makes its assertion again, and a token that
   * Azure DevOps rejects is replaced when git reports it.
   */
  readonly retry: string;
}

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
