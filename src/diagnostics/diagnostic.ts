/** What one look at one thing found. Texts are safe to print and without secrets. */
export type Diagnostic = Subject &
  (
    | {
        readonly outcome: 'ok' | 'skipped';
        readonly repair?: undefined;
      }
    | {
        readonly outcome: 'warning' | 'failed';
        /**
         * What to do about it: a command, or a sentence, and what else there is to do in lines of its own. Nothing is
         * complained of without.
         */
        readonly repair: string;
      }
  );

interface Subject {
  /** What it is about: `git`, `daemon`, the name of an organization. Those of one group stand together. */
  readonly group: string;
  /** What was looked at, in a word or two. */
  readonly title: string;
  /** What was seen: half a sentence, lower case, no full stop. */
  readonly detail: string;
}

/** Makes the diagnostics of one group. */
export function diagnosticsOf(group: string) {
  return {
    ok: (title: string, detail: string): Diagnostic => ({group, title, outcome: 'ok', detail}),
    /** Not looked at; the detail says why. */
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
