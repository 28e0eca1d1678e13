import type {Context, Places} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {withDaemon} from '../find-daemon.ts';

export async function metrics(options: Places, context: Context): Promise<ExitCode> {
  const {text} = await withDaemon(options, context, (daemon) => daemon.call('metrics', undefined));
  context.terminal.write(text.endsWith('\n') ? text : `${text}\n`);
  return EXIT.ok;
}
