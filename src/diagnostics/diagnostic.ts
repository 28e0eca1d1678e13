/** The finding of one check. Texts are safe to print and hold no secrets. */
export type Diagnostic = Subject &
  (
    | {
        readonly outcome: 'ok' | 'skipped';
        readonly repair?: undefined;
      }
    | {
        readonly outcome: 'warning' | 'failed';
        /** A command or a sentence; further steps are on further lines. */
        readonly repair: string;
      }
  );

interface Subject {
  /** The subject: `git`, `daemon`, the name of an organization. Diagnostics of one group are printed together. */
  readonly group: string;
  /** What was checked, in a word or two. */
  readonly title: string;
  /** What was found: half a sentence, lower case, no full stop. */
  readonly detail: string;
}

export function diagnosticsOf(group: string) {
  return {
    ok: (title: string, detail: string): Diagnostic => ({group, title, outcome: 'ok', detail}),
    /** Not checked; the detail says why. */
    skipped: (title: string, detail: string): Diagnostic => ({group, title, outcome: 'skipped', detail}),
    warning: (title: string, detail: string, repair: string): Diagnostic => ({
      group,
      title,
      outcome: 'warning',
      detail,
      repair,
    }),
    failed: (title: string, detail: string, repair: string): Diagnostic => ({
      group,
      title,
      outcome: 'failed',
      detail,
      repair,
    }),
  };
}
