import {Lines} from './lines.ts';
import {NugetPlugin} from './plugin.ts';

/** In milliseconds. The end of standard input reports most ends earlier. */
const LOOK_EVERY = 1_000;

/** Serves NuGet on standard input and output until it ends, closes the plugin, or closes our input. */
export function runPlugin(): void {
  let look: NodeJS.Timeout | undefined;
  const plugin = new NugetPlugin({
    write: (text) => process.stdout.write(text),
    end,
    endWith: (pid) => {
      if (!isRunning(pid)) return false;
      clearInterval(look);
      look = setInterval(() => {
        if (!isRunning(pid)) end(0);
      }, LOOK_EVERY).unref();
      return true;
    },
  });
  const lines = new Lines();
  process.stdout.on('error', () => end(1));
  process.stdin
    .setEncoding('utf8')
    .on('data', (piece: string) => {
      for (const line of lines.add(piece)) plugin.receive(line);
    })
    .on('error', () => end(1))
    .on('end', () => end(0));
  plugin.begin();
}

/** A request under way would keep the process alive. What was written to a pipe is there already. */
function end(code: number): never {
  process.exit(code);
}

/** Another user's process is one as well. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
