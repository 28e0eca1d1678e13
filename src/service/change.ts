/** One step of an order to a service, as data: `--dry-run` shows it, `applyChanges` does it. */
export type Change =
  | {
      readonly kind: 'write';
      /** Absolute. */
      readonly path: string;
      readonly text: string;
      /** Permission bits. */
      readonly mode: number;
    }
  | {readonly kind: 'make-directory'; readonly path: string; readonly mode: number}
  | {readonly kind: 'remove'; readonly path: string}
  | {
      readonly kind: 'run';
      readonly command: readonly string[];
      /** `ignored`: it is a courtesy whose failure changes nothing. */
      readonly failure: 'reported' | 'ignored';
    };

/** For people: `write /home/ann/.config/systemd/user/orgkey.socket`. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'write':
      return `write ${change.path}`;
    case 'make-directory':
      return `make the directory ${change.path}`;
    case 'remove':
      return `remove ${change.path}`;
    case 'run':
      return `run ${change.command.join(' ')}`;
  }
}
