import {type Binding, namesIn} from '../identity/bindings.ts';
import {nearestWord} from '../text/nearest-word.ts';

/** Returns the configured organization, or `HOST/COLLECTION`, that was probably meant. */
export function nearestName(
  name: string,
  bindings: readonly Pick<Binding, 'host' | 'organizations'>[],
): string | undefined {
  return nearestWord(name, namesIn(bindings));
}
