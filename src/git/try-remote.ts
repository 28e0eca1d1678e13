import {spawn} from 'node:child_process';
import type {Environment} from '../text/environment.ts';

interface Trial {
  /** A URL, or the name of a remote. */
  readonly remote: string;
  /** Absolute. */
  readonly directory: string;
  readonly environment: Environment;
  /** In milliseconds. */
  readonly limit: number;
}

/** What one run of `git ls-remote` did. */
export interface Tried {
  /** `failed`: git reported an error; `late`: it had to be stopped; `missing`: git is not installed. */
  readonly outcome: 'read' | 'failed' | 'late' | 'missing';
  /** What git and its helpers printed. It may hold secrets. */
  readonly said: string;
  /** The commands that git ran, as its trace shows them. They may hold secrets. */
  readonly ran: readonly string[];
}

/**
 * Lists a remote with the user's own git, in their surroundings, without a prompt. It runs in a session of its own, so
 * that no ssh finds a terminal to ask at, and everything that it started can be stopped.
 */
export function tryRemote({remote, directory, environment, limit}: Trial): Promise<Tried> {
  const env = {
    ...environment,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // empty: no program asks on a screen
    GIT_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    // to stderr: which helpers git runs is not told elsewhere
    GIT_TRACE: '2',
  };
  return new Promise((resolve) => {
    const child = spawn('git', ['ls-remote', '--', remote, 'HEAD'], {
      cwd: directory,
      env,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    let isLate = false;
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < MOST_OUTPUT) text += chunk;
    });
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child.pid);
      // a process that left the group may still hold the pipe
      child.stderr.destroy();
    }, limit);
    child.once('error', () => {
      clearTimeout(timer);
      resolve({outcome: 'missing', said: '', ran: []});
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({outcome: isLate ? 'late' : status === 0 ? 'read' : 'failed', ...readOutput(text)});
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}

/** Takes git's trace out of what was printed. */
function readOutput(text: string): Pick<Tried, 'said' | 'ran'> {
  const said: string[] = [];
  const ran: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const traced = /^\d\d:\d\d:\d\d\.\d+ \S+\s+(.*)$/.exec(line)?.[1];
    if (traced === undefined) said.push(line);
    else {
      const command = /^trace: run_command: (.*)$/.exec(traced)?.[1];
      if (command !== undefined) ran.push(command);
    }
  }
  return {said: said.join('\n').trim(), ran};
}

/** In UTF-16 code units. */
const MOST_OUTPUT = 256 * 1024;
