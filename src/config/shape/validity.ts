import {createHash} from 'node:crypto';
import {SECRET_KEYS} from './credential-kinds.ts';
import {RULES} from './rules.ts';
import type {Parts, Written} from '../text/written.ts';

/**
 * Names what the schema says about a file, under these rules: files with an equal one are valid or invalid alike.
 * Of secrets only the names of their sources are in it, so that it can be noted on disk.
 */
export function validityOf({azure, orgkey, sources}: Parts): string {
  const names = sources.map(({name}) => name);
  const shape = JSON.stringify([RULES, names, shapeOf(azure, false), shapeOf(orgkey, false)]);
  return createHash('sha256').update(shape).digest('base64url');
}

function shapeOf(written: Written | undefined, secret: boolean): unknown {
  switch (written?.kind) {
    case 'text':
      return secret ? written.kind : `text ${written.text}`;
    case 'number':
    case 'flag':
      return secret ? written.kind : written.value;
    case 'list':
      return written.items.map((item) => shapeOf(item, secret));
    case 'map':
      return {
        map: [...written.entries].map(([key, {value}]) => [
          key,
          shapeOf(value, secret || SECRET_KEYS.has(key)),
        ]),
      };
    case 'nothing':
    case undefined:
      return null;
  }
}
