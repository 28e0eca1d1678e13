import type {Secret} from '../../secret/secret.ts';

/** The secrets in memory, which the log must not show. Each part that holds secrets adds its own. */
export class LiveSecrets {
  readonly #sources: (() => Iterable<Secret>)[] = [];

  add(source: () => Iterable<Secret>): void {
    this.#sources.push(source);
  }

  *all(): Iterable<Secret> {
    for (const source of this.#sources) yield* source();
  }
}
