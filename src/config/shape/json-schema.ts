import * as z from 'zod';
import {fileSchema} from './schema.ts';

/** A JSON Schema (2020-12) of the configuration as it is written, for editors. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const {$schema, ...schema} = z.toJSONSchema(fileSchema(), {io: 'input'});
  return {$schema, title: 'orgkey', ...schema};
}
