import {spawn, type ChildProcess} from 'node:child_process';
import type {Writable} from 'node:stream';

/** Reads which processes start and end, until its input closes; then it ends those that are left. */
const script = `trap '' HUP INT TERM
left=' '
while read -r change pid; do
  case $change in
    begins) left="$left$pid " ;;
    ends) left="\${left%% $pid *} \${left#* $pid }" ;;
  esac
done
kill -KILL $left`;

let watcher: Writable | undefined;

/** Ends the child when this process is gone, even if it was killed and no teardown has run. */
export function tether(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const input = (watcher ??= watch());
  input.write(`begins ${child.pid}\n`);
  child.once('exit', () => input.write(`ends ${child.pid}\n`));
}

function watch(): Writable {
  const shell = spawn('/bin/sh', ['-c', script], {stdio: ['pipe', 'ignore', 'ignore']});
  shell.unref();
  return shell.stdin;
}
