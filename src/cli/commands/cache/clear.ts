import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {withDaemon} from '../../find-daemon.ts';
import {countOf} from '../../../text/count-of.ts';

export async function clearCache(options: Places, context: Context): Promise<ExitCode> {
  const {dropped} = await withDaemon(options, context, (daemon) => daemon.call('clear', undefined));
  context.terminal.say(`dropped ${countOf(dropped, 'token')}; the next request gets a new one`);
  return EXIT.ok;
}
