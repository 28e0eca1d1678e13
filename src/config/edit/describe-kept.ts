import {stringify} from 'yaml';
import type {KeptConfiguration} from '../keep-configuration.ts';
import {sourceOf, type Written} from '../text/written.ts';
import {WITHHELD} from '../value/value-source.ts';

/** Returns what was kept of a configuration as YAML, and whether secrets are missing in it. */
export function describeKept({parts}: KeptConfiguration): {
  readonly yaml: string;
  readonly lacksSecrets: boolean;
} {
  const {azure, orgkey} = parts;
  const value = {
    ...(azure !== undefined && {integrations: {azure: valueOf(azure)}}),
    ...(orgkey !== undefined && {orgkey: valueOf(orgkey)}),
  };
  const lacksSecrets = [azure, orgkey].some((part) => part !== undefined && withholds(part));
  return {yaml: stringify(value, {lineWidth: 0}), lacksSecrets};
}

function valueOf(written: Written): unknown {
  switch (written.kind) {
    case 'list':
      return written.items.map(valueOf);
    case 'map':
      return Object.fromEntries([...written.entries].map(([key, {value}]) => [key, valueOf(value)]));
    case 'text':
      return written.text;
    case 'number':
    case 'flag':
      return written.value;
    case 'nothing':
      return null;
  }
}

function withholds(written: Written): boolean {
  if (written.kind === 'list') return written.items.some(withholds);
  if (written.kind !== 'map') return false;
  if (sourceOf(written) === WITHHELD) return true;
  return [...written.entries.values()].some(({value}) => withholds(value));
}
