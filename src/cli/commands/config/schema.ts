import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';

export async function schema(_options: Places, context: Context): Promise<ExitCode> {
  const {jsonSchema} = await import('../../../config/shape/json-schema.ts');
  context.terminal.printJson(jsonSchema());
  return EXIT.ok;
}
