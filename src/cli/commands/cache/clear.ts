import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';

export async function clearCache(options: Places, context: Context): Promise<ExitCode> {
  const {dropped} = await withDaemon(options, context, (daemon) => daemon.call('clear', undefined));
  const tokens = dropped === 1 ? '1 token' : `${dropped} tokens`;
  context.terminal.say(`dropped ${tokens}; the next request gets a new one`);
  return EXIT.ok;
}
